import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';
import { dirname, join } from '../../src/disk/mod.js';
import { readText } from '../files/mod.js';
import type { Platform } from './platforms.js';

const require = createRequire(import.meta.url);

/** A file of a native package that stands beside the bundle. */
export interface NativeFile {
  readonly from: string;
  readonly name: string;
}

/** The native package's folder in node_modules. */
function packageFolder(name: string): string {
  const entry = require.resolve(name);
  const marker = join('node_modules', name);
  return entry.slice(0, entry.lastIndexOf(marker) + marker.length);
}

/** One platform's native files; the npm packages hold all platforms (288 MB). */
export function nativeFiles(uses: readonly NativePackage[], platform: Platform): NativeFile[] {
  const files: NativeFile[] = [];
  if (uses.includes('aws-crt')) {
    const folder = join(packageFolder('aws-crt'), 'dist', 'bin', `linux-${platform.nodeArch}-glibc`);
    files.push({ from: join(folder, 'aws-crt-nodejs.node'), name: 'aws-crt-nodejs.node' });
  }
  if (uses.includes('onnxruntime-node')) {
    const folder = join(packageFolder('onnxruntime-node'), 'bin', 'napi-v6', 'linux', platform.nodeArch);
    for (const name of ['onnxruntime_binding.node', 'libonnxruntime.so.1'])
      files.push({ from: join(folder, name), name });
  }
  return files;
}

export type NativePackage = 'aws-crt' | 'onnxruntime-node';

/**
 * Both packages find their native file by a path inside their npm package. In an artifact it stands beside the
 * bundle (Greengrass's plain artifacts have no subfolders), so the one module that loads it is replaced.
 */
export const nativeBeside: Plugin = {
  name: 'native-beside',
  setup(build) {
    build.onLoad({ filter: /aws-crt[\\/]dist[\\/]native[\\/]binding\.js$/ }, () => ({
      loader: 'js',
      contents: `
        const { join } = require('node:path');
        Object.defineProperty(exports, '__esModule', { value: true });
        exports.CRuntimeType = Object.freeze({ NON_LINUX: 'cruntime', MUSL: 'musl', GLIBC: 'glibc' });
        exports.cRuntime = 'glibc';
        exports.default = require(join(__dirname, 'aws-crt-nodejs.node'));`,
    }));
    build.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async ({ path }) => {
      const source = await readText(path);
      const replaced = source.replace(
        /require\(`\.\.\/bin\/napi-v\d+\/\$\{process\.platform\}\/\$\{process\.arch\}\/onnxruntime_binding\.node`\)/,
        `require(require('node:path').join(__dirname, 'onnxruntime_binding.node'))`,
      );
      if (replaced === source) {
        return {
          errors: [
            { text: `Cannot bundle onnxruntime-node as ${dirname(path)} loads its binding in a new way` },
          ],
        };
      }
      return { loader: 'js', contents: replaced };
    });
  },
};
