import { chmodSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { engineChild } from '../engine-child.mjs';
import { closure } from './closure.mjs';
import { copy, readJson, withoutMap, write } from './files.mjs';
import { commonOf, rangesOf, renderManifest } from './manifest.mjs';
import { npmPackages, writeNotices } from './notices.mjs';

const WHAT = 'the command line';
/** The library, the program, and the program that it starts for what may crash. */
const ENTRIES = ['deploy/mod', 'deploy/cli', 'deploy/engine-child/main'];
/**
 * Inside, without its install script: that one fetches what GPUs need from another place than the registry, and an
 * install fails where only the registry can be reached. Windows' half of it (140 MB) stays out.
 */
const RUNTIME = 'onnxruntime-node';
const RUNTIME_PLATFORMS = ['linux/x64', 'linux/arm64', 'darwin/arm64'];

/** `edge-manager-cli`: the program edge-manager and the library behind it, for laptop and CI. */
export async function packCommandLine({ root, out, manifest, isForHere }) {
  const code = closure(
    root,
    ENTRIES.map((entry) => `dist/${entry}.js`),
  );
  const types = closure(root, ['dist/deploy/mod.d.ts']);
  const used = new Map([...types.packages, ...code.packages]);
  const { [RUNTIME]: _runtime, ...dependencies } = rangesOf(WHAT, used, manifest);
  for (const [path, text] of [...code.files, ...types.files])
    write(out, relative(root, path), withoutMap(text));
  write(out, 'bin/edge-manager.mjs', "#!/usr/bin/env node\nimport '../dist/deploy/cli.js';\n");
  chmodSync(join(out, 'bin/edge-manager.mjs'), 0o755);
  const platforms = isForHere ? [`${process.platform}/${process.arch}`] : RUNTIME_PLATFORMS;
  const bundled = copyRuntime(root, out, platforms);
  const made = {
    name: 'edge-manager-cli',
    ...commonOf(manifest),
    description: manifest.description,
    keywords: ['greengrass', 'edge', 'onnx', 'mlops', 'iot'],
    bin: { 'edge-manager': 'bin/edge-manager.mjs' },
    exports: {
      '.': { types: './dist/deploy/mod.d.ts', default: './dist/deploy/mod.js' },
      './package.json': './package.json',
    },
    files: ['bin', 'dist', 'THIRD-PARTY-LICENCES.txt'],
    os: [...new Set(RUNTIME_PLATFORMS.map((platform) => platform.split('/')[0]))],
    dependencies: { ...dependencies, ...bundled },
    bundleDependencies: Object.keys(bundled),
  };
  write(out, 'package.json', renderManifest(made));
  copy(join(root, 'LICENSE'), join(out, 'LICENSE'));
  copy(join(root, 'docs/npm/command-line.md'), join(out, 'README.md'));
  await writeNotices(root, out, npmPackages(engineChild(root).inputs));
  return { made, used };
}

/** @returns its exact version, and that of what it needs */
function copyRuntime(root, out, platforms) {
  const from = join(root, 'node_modules', RUNTIME);
  const to = join(out, 'node_modules', RUNTIME);
  const {
    scripts: _scripts,
    devDependencies: _development,
    ...manifest
  } = readJson(join(from, 'package.json'));
  const common = 'onnxruntime-common';
  // The other two serve the install script only.
  const dependencies = { [common]: manifest.dependencies[common] };
  write(to, 'package.json', renderManifest({ ...manifest, dependencies }));
  const folders = ['dist', ...platforms.map((platform) => `bin/napi-v6/${platform}`)];
  for (const folder of folders) copyFiles(from, to, folder, (name) => !isDouble(name));
  copy(join(from, 'README.md'), join(to, 'README.md'));
  const commonFrom = join(root, 'node_modules', common);
  for (const folder of ['dist/cjs', 'dist/esm'])
    copyFiles(commonFrom, join(out, 'node_modules', common), folder, (name) => !name.endsWith('.map'));
  for (const name of ['package.json', 'README.md'])
    copy(join(commonFrom, name), join(out, 'node_modules', common, name));
  return { [RUNTIME]: manifest.version, [common]: dependencies[common] };
}

/** On macOS the library stands there twice. */
const isDouble = (name) => /^libonnxruntime\.\d+\.dylib$/.test(name) || name.endsWith('.map');

function copyFiles(from, to, folder, isWanted) {
  for (const entry of readdirSync(join(from, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !isWanted(entry.name)) continue;
    const path = join(relative(from, entry.parentPath), entry.name);
    copy(join(from, path), join(to, path));
  }
}
