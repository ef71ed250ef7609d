import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';
import { dirname, join } from '../../src/disk/mod.js';
import { nativePath, sha256Hex, type NativeFiles } from '../../src/system/mod.js';
import { readBytes, readText } from '../files/mod.js';
import { PLATFORMS, type Platform } from './platforms.js';

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
  if (uses.includes('koffi')) {
    const folder = join(packageFolder('koffi'), 'build', 'koffi', `linux_${platform.nodeArch}`);
    files.push({ from: join(folder, 'koffi.node'), name: 'koffi.node' });
  }
  return files;
}

const NATIVE_PACKAGES = ['aws-crt', 'onnxruntime-node', 'koffi'] as const;
export type NativePackage = (typeof NATIVE_PACKAGES)[number];

/** What a bundle knows of the native files that may stand beside it: see native-files.ts. */
export async function nativeDigests(): Promise<NativeFiles> {
  const ofPlatform = async (platform: Platform): Promise<NativeFiles[string]> =>
    Object.fromEntries(
      await Promise.all(
        NATIVE_PACKAGES.map(async (name) => [
          name,
          await Promise.all(nativeFiles([name], platform).map(describe)),
        ]),
      ),
    );
  return Object.fromEntries(
    await Promise.all(PLATFORMS.map(async (platform) => [platform.nodeArch, await ofPlatform(platform)])),
  );
}

async function describe({
  from,
  name,
}: NativeFile): Promise<{ name: string; sha256: string; sizeBytes: number }> {
  const bytes = await readBytes(from);
  return { name, sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength };
}

/**
 * Packages find their native file by a path inside their npm package. In an artifact it stands beside the
 * bundle (Greengrass's plain artifacts have no subfolders), and is mapped from a private copy: the one module that
 * loads it is replaced.
 */
export const nativeBeside: Plugin = {
  name: 'native-beside',
  setup(build) {
    const room = join(build.initialOptions.absWorkingDir ?? '', 'src/system/native-files.ts');
    const load = (name: string): string =>
      `require(require(${JSON.stringify(room)}).${nativePath.name}(__dirname, '${name}'))`;
    build.onLoad({ filter: /aws-crt[\\/]dist[\\/]native[\\/]binding\.js$/ }, () => ({
      loader: 'js',
      contents: `
        Object.defineProperty(exports, '__esModule', { value: true });
        exports.CRuntimeType = Object.freeze({ NON_LINUX: 'cruntime', MUSL: 'musl', GLIBC: 'glibc' });
        exports.cRuntime = 'glibc';
        exports.default = ${load('aws-crt-nodejs.node')};`,
    }));
    build.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async ({ path }) => {
      const source = await readText(path);
      const replaced = source.replace(
        /require\(`\.\.\/bin\/napi-v\d+\/\$\{process\.platform\}\/\$\{process\.arch\}\/onnxruntime_binding\.node`\)/,
        () => load('onnxruntime_binding.node'),
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
