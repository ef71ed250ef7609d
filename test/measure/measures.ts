import { idleAdapters, nodeOutsideAdapters, readAdapters } from './adapters.js';
import { findDead } from './dead.js';
import { LIMITS, type MeasureName } from './limits.js';
import { deadMembers } from './members.js';
import { bypasses, folderCircles } from './rooms.js';
import { readSources, type Finding, type Source } from './sources.js';
import { anyTypes, codeInMods, defaultExports, functionLines, moduleVariables } from './syntax.js';

export interface Measure {
  readonly name: MeasureName;
  readonly value: number;
  /** The largest value that holds; undefined where the figure only informs. */
  readonly limit: number | undefined;
  readonly findings: readonly Finding[];
}

/** The product's own source; who uses it stands in more folders. */
const PRODUCT = ['src', 'deploy', 'components'];
const USERS = [...PRODUCT, 'examples', 'test'];

/** @param root a tree with the folders, a .oxlintrc.json and a knip.json */
export function measureTree(root: string): Measure[] {
  const sources = readSources(root, PRODUCT);
  const adapters = readAdapters(root);
  const dead = findDead(root);
  const each = (of: (source: Source) => Finding[]): Finding[] => sources.flatMap(of);
  return [
    ...figures(sources, adapters),
    counted('any', each(anyTypes)),
    counted('default exports', each(defaultExports)),
    counted('module-level let', each(moduleVariables)),
    counted('node: outside adapters', nodeOutsideAdapters(sources, adapters)),
    counted('idle adapters', idleAdapters(sources, adapters)),
    counted('imports past a mod.ts', bypasses(sources)),
    counted('code in a mod.ts', each(codeInMods)),
    counted('circles between folders', folderCircles(sources)),
    counted('dead files', kinds(dead, ['files'])),
    counted(
      'dead exports',
      kinds(dead, [
        'exports',
        'types',
        'nsExports',
        'nsTypes',
        'enumMembers',
        'namespaceMembers',
        'duplicates',
      ]),
    ),
    counted('dead members', deadMembers(sources, readSources(root, USERS))),
    counted(
      'dead dependencies',
      kinds(dead, ['dependencies', 'devDependencies', 'optionalPeerDependencies', 'unlisted', 'unresolved']),
    ),
  ];
}

function figures(sources: readonly Source[], adapters: readonly string[]): Measure[] {
  const files = sources.map(({ lines }) => lines);
  const functions = sources.flatMap(functionLines);
  const longest = sources.toSorted((a, b) => b.lines - a.lines).slice(0, 10);
  const long = longest.map(({ path, lines }) => ({ where: path, what: `${lines} lines` }));
  return [
    measure('files', files.length),
    measure('file lines, median', quantile(files, 0.5)),
    measure('file lines, p90', quantile(files, 0.9), long),
    measure('file lines, max', Math.max(0, ...files), long),
    measure('functions', functions.length),
    measure('function lines, median', quantile(functions, 0.5)),
    measure('function lines, p90', quantile(functions, 0.9)),
    measure('adapters', adapters.length),
  ];
}

function counted(name: MeasureName, findings: readonly Finding[]): Measure {
  return measure(name, findings.length, findings);
}

function measure(name: MeasureName, value: number, findings: readonly Finding[] = []): Measure {
  return { name, value, limit: LIMITS[name], findings };
}

function kinds(dead: Readonly<Record<string, readonly Finding[]>>, names: readonly string[]): Finding[] {
  return names.flatMap((name) => dead[name] ?? []);
}

/** The value below or at which `share` (0 to 1) of the values lie; 0 for none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export function holds({ value, limit }: Measure): boolean {
  return limit === undefined || value <= limit;
}
