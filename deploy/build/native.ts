import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';
import { dirname, join } from '../../src/disk/mod.js';
import { nativePath, sha256Hex, type NativeFiles } from '../../src/system/mod.js';
import { readBytes, readText } from '../files/mod.js';
import { PLATFORMS, type Platform } from './platforms.js';

/** A file of a native package that stands beside the bundle. */
export interface NativeFile {
  readonly from: string;
  readonly name: string;
}

/** The file that a module in `from` gets by this name; undefined where the package is not installed. */
export function resolved(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}

/** The native package's folder in node_modules, as a module in `from` finds it. */
function packageFolder(name: string, from: string): string {
  const entry = createRequire(from).resolve(name);
  const marker = join('node_modules', name);
  return entry.slice(0, entry.lastIndexOf(marker) + marker.length);
}

/**
 * One platform's native files; the npm packages hold all platforms (288 MB).
 * @param from the module that finds the packages
 */
export function nativeFiles(
  uses: readonly NativePackage[],
  platform: Platform,
  from: string = import.meta.url,
): NativeFile[] {
  const files: NativeFile[] = [];
  if (uses.includes('aws-crt')) {
    const folder = join(packageFolder('aws-crt', from), 'dist', 'bin', `linux-${platform.nodeArch}-glibc`);
    files.push({ from: join(folder, 'aws-crt-nodejs.node'), name: 'aws-crt-nodejs.node' });
  }
  if (uses.includes('onnxruntime-node')) {
    const folder = join(
      packageFolder('onnxruntime-node', from),
      'bin',
      'napi-v6',
      'linux',
      platform.nodeArch,
    );
    for (const name of ['onnxruntime_binding.node', 'libonnxruntime.so.1'])
      files.push({ from: join(folder, name), name });
  }
  if (uses.includes('koffi')) {
    const folder = join(packageFolder('koffi', from), 'build', 'koffi', `linux_${platform.nodeArch}`);
    files.push({ from: join(folder, 'koffi.node'), name: 'koffi.node' });
  }
  return files;
}

/** Of our own components; an app may bring aws-crt. */
const OUR_PACKAGES = ['onnxruntime-node', 'koffi'] as const;
export type NativePackage = (typeof OUR_PACKAGES)[number] | 'aws-crt';

/** What a bundle knows of the native files that may stand beside it: see native-files.ts. */
export async function nativeDigests(
  packages: readonly NativePackage[] = OUR_PACKAGES,
  from: string = import.meta.url,
): Promise<NativeFiles> {
  const ofPlatform = async (platform: Platform): Promise<NativeFiles[string]> =>
    Object.fromEntries(
      await Promise.all(
        packages.map(async (name) => [
          name,
          await Promise.all(nativeFiles([name], platform, from).map(describe)),
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
 * @param room the file that finds the copy
 */
export const nativeBeside = (room: string): Plugin => ({
  name: 'native-beside',
  setup(build) {
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
});
