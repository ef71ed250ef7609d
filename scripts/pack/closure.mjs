import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { read } from './files.mjs';

/**
 * What entry points reach by imports: files, and packages that are not these files. Of a declaration file, the
 * declarations that it names.
 * @param entries paths below `root`
 */
export function closure(root, entries) {
  const files = new Map();
  const packages = new Map();
  const waiting = entries.map((entry) => join(root, entry));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    const text = read(path);
    files.set(path, text);
    for (const { specifier } of requests(path, text)) {
      if (specifier.startsWith('.')) waiting.push(targetOf(path, specifier));
      else if (!specifier.startsWith('node:')) {
        const name = packageName(specifier);
        if (!packages.has(name)) packages.set(name, relative(root, path));
      }
    }
  }
  return { files, packages };
}

const isDeclaration = (path) => /\.d\.m?ts$/.test(path);

function targetOf(path, specifier) {
  const target = join(dirname(path), specifier);
  const file = isDeclaration(path) ? target.replace(/\.(m?)js$/, '.d.$1ts') : target;
  if (!existsSync(file))
    throw new Error(`Cannot pack ${path} as it imports ${specifier}, which is not there`);
  return file;
}

export function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Each place of a file that names another module, with the offsets of the name and its quotes. */
export function requests(path, text) {
  const { program, module, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`Cannot pack ${path}: ${errors[0].message}`);
  const found = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.slice(0, 1).map((entry) => entry.moduleRequest)),
    ...module.dynamicImports.map(({ moduleRequest }) => moduleRequest),
  ].filter((request) => request != null);
  if (isDeclaration(path)) {
    new Visitor({ TSImportType: ({ source }) => void found.push(source) }).visit(program);
  }
  return found.flatMap(({ start, end }) => {
    const literal = /^(['"])(.*)\1$/.exec(text.slice(start, end));
    return literal === null ? [] : [{ start, end, specifier: literal[2] }];
  });
}
