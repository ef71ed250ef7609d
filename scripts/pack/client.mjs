import { dirname, join, relative, sep } from 'node:path';
import { build } from 'esbuild';
import { closure, requests } from './closure.mjs';
import { copy, write } from './files.mjs';
import { commonOf, rangesOf, renderManifest } from './manifest.mjs';
import { npmPackages, writeNotices } from './notices.mjs';

const WHAT = 'the client';
/** Inside the package: an app installs nothing but the client. */
const INSIDE = ['@sinclair/typebox', '@smithy/eventstream-codec', 'ajv'];
const ENTRY = 'dist/src/client/mod';
const TYPEBOX = 'node_modules/@sinclair/typebox';

/** `edge-manager/client` for apps on a device: one module. */
export async function packClient({ root, out, manifest }) {
  const { packages } = closure(root, [`${ENTRY}.js`]);
  const ranges = rangesOf(WHAT, packages, manifest);
  const strange = Object.keys(ranges).filter((name) => !INSIDE.includes(name));
  if (strange.length > 0) throw new Error(`Cannot pack ${WHAT} as it would grow by ${strange.join(', ')}`);
  const inside = await bundleCode(root, out, manifest.version);
  const types = writeTypes(root, out);
  const made = {
    name: 'edge-manager',
    ...commonOf(manifest),
    description: 'Client of the Edge Manager agent, for apps on AWS IoT Greengrass v2',
    keywords: ['greengrass', 'edge', 'onnx', 'inference', 'iot'],
    exports: {
      './client': { types: './client.d.ts', default: './client.js' },
      './package.json': './package.json',
    },
    files: ['*.js', '*.d.ts', 'types', 'THIRD-PARTY-LICENCES.txt'],
    sideEffects: false,
  };
  write(out, 'package.json', renderManifest(made));
  copy(join(root, 'LICENSE'), join(out, 'LICENSE'));
  copy(join(root, 'docs/npm/client.md'), join(out, 'README.md'));
  await writeNotices(root, out, [...new Set([...inside, ...types])]);
  return { made, used: packages };
}

/** @returns the npm packages whose code is inside */
async function bundleCode(root, out, version) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: `${ENTRY}.js`, out: 'client' }],
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    define: { EDGE_VERSION: JSON.stringify(version) },
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  for (const file of outputFiles) write(out, relative(out, file.path), file.text);
  return npmPackages(Object.keys(metafile.inputs));
}

/** Declarations as the compiler made them; those of the schemas need TypeBox's, which stand beside. */
function writeTypes(root, out) {
  const ours = closure(root, [`${ENTRY}.d.ts`]);
  const unknown = [...ours.packages.keys()].filter((name) => name !== '@sinclair/typebox');
  if (unknown.length > 0)
    throw new Error(`Cannot pack ${WHAT} as its declarations need ${unknown.join(', ')}`);
  const typebox = closure(root, [`${TYPEBOX}/build/esm/index.d.mts`]);
  for (const [path, text] of [...ours.files, ...typebox.files]) {
    const name = placeOf(relative(root, path));
    const toTypebox = relative(dirname(name), placeOf(`${TYPEBOX}/build/esm/index.mjs`));
    const specifier = toTypebox.split(sep).join('/');
    write(out, name, retold(path, text, specifier.startsWith('.') ? specifier : `./${specifier}`));
  }
  // Older targets of an app do not name AsyncDisposable.
  const main = `/// <reference lib="esnext.disposable" />\nexport * from './${placeOf(ENTRY)}.js';\n`;
  write(out, 'client.d.ts', main);
  return ['@sinclair/typebox'];
}

function placeOf(path) {
  return path
    .replace(/^dist\/src\//, 'types/')
    .replace(/^node_modules\/@sinclair\/typebox\/build\/esm\//, 'types/typebox/');
}

function retold(path, text, typebox) {
  let told = text;
  for (const { start, end, specifier } of requests(path, text).toSorted((a, b) => b.start - a.start)) {
    if (specifier === '@sinclair/typebox') told = `${told.slice(0, start)}'${typebox}'${told.slice(end)}`;
  }
  return told;
}
