import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Finding } from './sources.js';

/** What knip found that nothing uses, by its own names of kinds: `exports`, `types`, `dependencies`, `files`, ... */
export type Dead = Readonly<Record<string, readonly Finding[]>>;

interface KnipReport {
  readonly issues: readonly ({ readonly file: string } & Readonly<Record<string, unknown>>)[];
}

interface KnipIssue {
  readonly name: string;
  readonly line?: number;
}

/** Runs knip with the tree's own knip.json. */
export function findDead(root: string): Dead {
  const knip = fileURLToPath(new URL('../bin/knip.js', import.meta.resolve('knip')));
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [knip, '--directory', root, '--reporter', 'json', '--no-exit-code', '--no-progress'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (!stdout.startsWith('{')) throw new Error(`Cannot find dead code as knip failed: ${stderr || stdout}`);
  const { issues } = JSON.parse(stdout) as KnipReport;
  const dead: Record<string, Finding[]> = {};
  for (const { file, ...kinds } of issues) {
    for (const [kind, found] of Object.entries(kinds)) {
      if (!Array.isArray(found)) continue;
      (dead[kind] ??= []).push(...(found as KnipIssue[]).map((issue) => findingOf(file, issue)));
    }
  }
  return dead;
}

function findingOf(file: string, { name, line }: KnipIssue): Finding {
  return { where: line === undefined ? file : `${file}:${line}`, what: `${name} is used nowhere` };
}
