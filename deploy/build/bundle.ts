import { build, type BuildOptions } from 'esbuild';
import { basename, join } from '../../src/disk/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { filesBelow, readBytes } from '../files/mod.js';
import type { CodeComponent } from './components.js';
import { nativeBeside, nativeDigests } from './native.js';
import { zipBytes } from './zip.js';

export interface Bundle {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** npm packages whose code is inside or, as native files, beside. */
  readonly packages: readonly string[];
}

export type BundleInput = Pick<CodeComponent, 'entries'> &
  Partial<Pick<CodeComponent, 'synchronous' | 'native' | 'python'>>;

/** What all bundles of ours are. */
export const COMMON = {
  outdir: '/',
  bundle: true,
  splitting: false,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  minifySyntax: true,
  // Without keepNames, which costs each closure a defineProperty whenever it is made.
  minifyWhitespace: true,
  metafile: true,
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;

/** Packages in CommonJS ask for require and __dirname, which an ES module does not have. */
const REQUIRE = [
  "import { createRequire as edgeCreateRequire } from 'node:module';",
  'const require = edgeCreateRequire(import.meta.url);',
  'const __dirname = import.meta.dirname;',
  'const __filename = import.meta.filename;',
].join('\n');

/**
 * One module for each entry, complete in itself: their names are part of a recipe, those of shared chunks
 * would change with every build.
 * @param entries TypeScript files; `main.ts` becomes `main.js`, an ES module
 * @param native packages whose native files stand beside
 * @param synchronous such files that must have run before the event loop turns; they become `.cjs`
 * @param python folders by the name of the zip file that Python runs them from, as sources: each Python compiles its own
 */
export async function bundle(
  { entries, synchronous = [], native = [], python = {} }: BundleInput,
  root: string,
): Promise<Bundle> {
  const points = (files: readonly string[]): { in: string; out: string }[] =>
    files.map((file) => ({ in: file, out: basename(file, '.ts') }));
  const plugins = [nativeBeside(join(root, 'src/system/native-files.ts'))];
  const define = {
    EDGE_NATIVE_FILES: JSON.stringify(await nativeDigests()),
    EDGE_VERSION: JSON.stringify(VERSION),
  };
  const results = await Promise.all([
    build({
      ...COMMON,
      absWorkingDir: root,
      define,
      plugins,
      entryPoints: points(entries),
      format: 'esm',
      banner: { js: REQUIRE },
    }),
    build({
      ...COMMON,
      absWorkingDir: root,
      define,
      plugins,
      entryPoints: points(synchronous),
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
    }),
  ]);
  const scripts = results
    .flatMap(({ outputFiles }) => outputFiles)
    .map((file) => ({ name: basename(file.path), bytes: file.contents }));
  const programs = Object.entries(python).map(async ([name, folder]) => ({
    name,
    bytes: await pythonProgram(join(root, folder)),
  }));
  return {
    files: [...scripts, ...(await Promise.all(programs))].sort((a, b) => (a.name < b.name ? -1 : 1)),
    packages: packagesOf(
      results.flatMap(({ metafile }) => Object.keys(metafile.inputs)),
      native,
    ),
  };
}

async function pythonProgram(folder: string): Promise<Uint8Array> {
  const names = (await filesBelow(folder)).filter((name) => name.endsWith('.py'));
  const files = names.map(async (name) => ({ name, bytes: await readBytes(join(folder, name)) }));
  return await zipBytes(await Promise.all(files));
}

function packagesOf(paths: readonly string[], native: readonly string[]): string[] {
  const names = new Set<string>(native);
  for (const path of paths) {
    const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match?.[1] !== undefined) names.add(match[1]);
  }
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}
