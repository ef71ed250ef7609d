import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { parseSync, type EcmaScriptModule, type Program } from 'oxc-parser';

/** One TypeScript file of the tree that is measured. Paths are relative to its root, with slashes. */
export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly program: Program;
  readonly imports: readonly Import[];
  /** The line, from 1, of a place in the text. */
  lineOf(offset: number): number;
}

/** An import, a re-export, or `import()` of a literal. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** The file of the tree that it means; undefined for packages and Node's own modules. */
  readonly target: string | undefined;
}

/** Something that a measure counts, at a place that a person can open. */
export interface Finding {
  readonly where: string;
  readonly what: string;
}

/** All TypeScript files below these folders of a tree, in the order of their paths. */
export function readSources(root: string, folders: readonly string[]): Source[] {
  const paths = folders.flatMap((folder) => filesBelow(root, folder)).sort();
  const known = new Set(paths);
  return paths.map((path) => parse(path, readFileSync(join(root, path), 'utf8'), known));
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/(^|\/)(node_modules|greengrass-build)\//.test(path));
}

function parse(path: string, text: string, known: ReadonlySet<string>): Source {
  const { program, module, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`Cannot read ${path}: ${errors[0].message}`);
  const starts = [...text.matchAll(/^/gm)].map(({ index }) => index);
  const lineOf = (offset: number): number => starts.findLastIndex((start) => start <= offset) + 1;
  const imports = requestsOf(module, text).map(({ specifier, offset }) => ({
    specifier,
    line: lineOf(offset),
    target: targetOf(path, specifier, known),
  }));
  return { path, lines: text.split('\n').length - 1, program, imports, lineOf };
}

interface Request {
  readonly specifier: string;
  readonly offset: number;
}

function requestsOf(module: EcmaScriptModule, text: string): Request[] {
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.slice(0, 1).map((entry) => entry.moduleRequest)),
  ].flatMap((request) => (request == null ? [] : [{ specifier: request.value, offset: request.start }]));
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(['"])(.*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.[2] !== undefined) requests.push({ specifier: literal[2], offset: moduleRequest.start });
  }
  return requests;
}

function targetOf(path: string, specifier: string, known: ReadonlySet<string>): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const target = normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts');
  return known.has(target) ? target : undefined;
}
