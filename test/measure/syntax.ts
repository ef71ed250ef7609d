import { Visitor, type VisitorObject } from 'oxc-parser';
import type { Finding, Source } from './sources.js';

/** What a function is for its length: a declaration, a method, or one with a body of statements; not `(x) => x.y`. */
export function functionLines(source: Source): number[] {
  const lengths: number[] = [];
  const count = ({ start, end }: { start: number; end: number }): void => {
    lengths.push(source.lineOf(end) - source.lineOf(start) + 1);
  };
  visit(source, {
    FunctionDeclaration: (node) => count(node),
    MethodDefinition: (node) => {
      if (node.value.body !== null) count(node);
    },
    Property: (node) => {
      if (node.method && node.value.type === 'FunctionExpression') count(node);
    },
    ArrowFunctionExpression: (node) => {
      if (node.body.type === 'BlockStatement') count(node);
    },
  });
  return lengths;
}

export function anyTypes(source: Source): Finding[] {
  const findings: Finding[] = [];
  visit(source, { TSAnyKeyword: ({ start }) => findings.push(at(source, start, 'any')) });
  return findings;
}

export function defaultExports(source: Source): Finding[] {
  return source.program.body
    .filter(({ type }) => type === 'ExportDefaultDeclaration' || type === 'TSExportAssignment')
    .map(({ start }) => at(source, start, 'default export'));
}

/** State that a module keeps: tests cannot have it anew. */
export function moduleVariables(source: Source): Finding[] {
  return source.program.body
    .map((node) => (node.type === 'ExportNamedDeclaration' ? (node.declaration ?? node) : node))
    .filter((node) => node.type === 'VariableDeclaration' && (node.kind === 'let' || node.kind === 'var'))
    .map(({ start }) => at(source, start, 'module-level let'));
}

/** A mod.ts says what a room gives; what it does stands in files with names. */
export function codeInMods(source: Source): Finding[] {
  if (!isMod(source.path)) return [];
  return source.program.body
    .filter((node) => node.type !== 'ExportAllDeclaration')
    .filter((node) => node.type !== 'ExportNamedDeclaration' || node.source === null)
    .slice(0, 1)
    .map(({ start }) => at(source, start, 'more than exports from files'));
}

export function isMod(path: string): boolean {
  return path.endsWith('/mod.ts');
}

export function at(source: Source, offset: number, what: string): Finding {
  return { where: `${source.path}:${source.lineOf(offset)}`, what };
}

export function visit({ program }: Source, visitor: VisitorObject): void {
  new Visitor(visitor).visit(program);
}
