import { build, type Metafile } from 'esbuild';
import { basename } from '../../src/disk/mod.js';
import { nativeBeside, nativeDigests } from './native.js';

export interface Bundle {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** npm packages whose code is inside. */
  readonly packages: readonly string[];
}

/**
 * One ES module for each entry, complete in itself: their names are part of a recipe, those of shared chunks
 * would change with every build.
 * @param entries TypeScript files; `main.ts` becomes `main.js`
 */
export async function bundle(entries: readonly string[], root: string): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: entry, out: basename(entry, '.ts') })),
    outdir: '/',
    bundle: true,
    splitting: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // Packages in CommonJS ask for require and __dirname, which an ES module does not have.
    banner: {
      js: [
        "import { createRequire as edgeCreateRequire } from 'node:module';",
        'const require = edgeCreateRequire(import.meta.url);',
        'const __dirname = import.meta.dirname;',
        'const __filename = import.meta.filename;',
      ].join('\n'),
    },
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    metafile: true,
    write: false,
    logLevel: 'silent',
    define: { EDGE_NATIVE_FILES: JSON.stringify(await nativeDigests()) },
    plugins: [nativeBeside],
  });
  return {
    files: result.outputFiles
      .map((file) => ({ name: basename(file.path), bytes: file.contents }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    packages: packagesOf(result.metafile),
  };
}

function packagesOf(metafile: Metafile): string[] {
  const names = new Set<string>();
  for (const path of Object.keys(metafile.inputs)) {
    const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match?.[1] !== undefined) names.add(match[1]);
  }
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}
