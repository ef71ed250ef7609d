import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding, Source } from './sources.js';

const RULE = 'import/no-nodejs-modules';

interface LintConfiguration {
  readonly overrides?: readonly {
    readonly files: readonly string[];
    readonly rules?: Readonly<Record<string, unknown>>;
  }[];
}

/** The files that may import Node's modules: lint's exceptions from its rule, each named whole. */
export function readAdapters(root: string): string[] {
  const lint = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as LintConfiguration;
  return (lint.overrides ?? [])
    .filter(({ rules }) => rules?.[RULE] === 'off')
    .flatMap(({ files }) => files)
    .filter((file) => file.endsWith('.ts'));
}

export function nodeOutsideAdapters(sources: readonly Source[], adapters: readonly string[]): Finding[] {
  const allowed = new Set(adapters);
  return sources
    .filter(({ path }) => !allowed.has(path))
    .flatMap((source) =>
      firstNodeImport(source).map((line) => ({ where: `${source.path}:${line}`, what: 'imports node:' })),
    );
}

/** Names on the list that stand for nothing any more. */
export function idleAdapters(sources: readonly Source[], adapters: readonly string[]): Finding[] {
  const using = new Set(
    sources.filter((source) => firstNodeImport(source).length > 0).map(({ path }) => path),
  );
  return adapters
    .filter((path) => !using.has(path))
    .map((path) => ({ where: path, what: 'is on the list of adapters and imports no node:' }));
}

function firstNodeImport({ imports }: Source): number[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('node:'))
    .slice(0, 1)
    .map(({ line }) => line);
}
