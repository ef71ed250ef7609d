import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
/** Beside its native files. */
const OUTSIDE = ['onnxruntime-node'];

/**
 * The program that runs a model in a process of its own, as one file: `compile` and `package` start it seven times
 * for a model, and its several hundred modules took more than half of each start.
 * @returns its text, and the paths of the files that it is made of
 */
export function engineChild(root) {
  // Whoever only asks whether something is stale loads no bundler.
  const { buildSync } = require('esbuild');
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: ['deploy/engine-child/main.ts'],
    outdir: '/',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: OUTSIDE,
    banner: {
      js: "import { createRequire as edgeCreateRequire } from 'node:module';\nconst require = edgeCreateRequire(import.meta.url);",
    },
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [{ text }] = outputFiles;
  return { text, inputs: Object.keys(metafile.inputs) };
}

/** Where it takes the place of what the compiler wrote. */
export const engineChildPath = (root) => join(root, 'dist/deploy/engine-child/main.js');
