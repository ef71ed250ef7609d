import { build, type BuildFailure } from 'esbuild';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import { join, pathOf } from '../../src/disk/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { COMMON } from './bundle.js';
import { nativeBeside, nativeDigests, resolved } from './native.js';

export interface AppBundle {
  /** The whole app as one ES module. */
  readonly code: Uint8Array;
  /** The module that finds aws-crt, whose native file must stand beside; undefined where the app needs none. */
  readonly sdk: string | undefined;
  readonly warnings: readonly string[];
}

const SDK = 'aws-iot-device-sdk-v2';
/** Ours, wherever this program is installed: an app has no sources of Edge Manager. */
const ROOM = pathOf(new URL('../../src/system/native-files.js', import.meta.url));

/** Packages in CommonJS ask for require, which an ES module does not have. An app's own names must not meet these. */
const REQUIRE = [
  "import { createRequire as edgeAppRequire } from 'node:module';",
  'const require = edgeAppRequire(import.meta.url);',
].join('\n');

/**
 * An app and the packages that it has installed, in one file, as our own components are.
 * @param folder the app's project
 * @param entry its first file, relative to the folder
 * @throws EdgeError BUILD_REFUSED with esbuild's words and their place
 */
export async function bundleApp(folder: string, entry: string): Promise<AppBundle> {
  const sdk = resolved(SDK, join(folder, 'package.json'));
  const digests = sdk === undefined ? {} : await nativeDigests(['aws-crt'], sdk);
  const { outputFiles, metafile } = await build({
    ...COMMON,
    absWorkingDir: folder,
    entryPoints: [{ in: entry, out: 'main' }],
    format: 'esm',
    banner: { js: REQUIRE },
    legalComments: 'eof',
    plugins: [nativeBeside(ROOM)],
    define: {
      EDGE_NATIVE_FILES: JSON.stringify(digests),
      EDGE_VERSION: JSON.stringify(VERSION),
      // An app may well have constants of these names: only what is not declared is meant.
      __dirname: 'import.meta.dirname',
      __filename: 'import.meta.filename',
    },
    external: sdk === undefined ? [SDK] : [],
  }).catch((failure: unknown) => {
    throw refused(entry, failure);
  });
  const inputs = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  const isWanted = inputs.some(({ path, external }) => external === true && path === SDK);
  return {
    code: outputFiles[0]?.contents ?? new Uint8Array(),
    sdk: inputs.some(({ path }) => NATIVE_MODULE.test(path)) ? sdk : undefined,
    warnings: isWanted ? [`${SDK} is not installed beside the app: what loads it will fail on a device`] : [],
  };
}

const NATIVE_MODULE = /aws-crt[\\/]dist[\\/]native[\\/]binding\.js$/;

function refused(entry: string, failure: unknown): EdgeError {
  const [first] = isBuildFailure(failure) ? failure.errors : [];
  const place = first?.location == null ? '' : ` (${first.location.file}:${first.location.line})`;
  return new EdgeError(
    'BUILD_REFUSED',
    `Cannot bundle ${entry}: ${first?.text ?? messageOf(failure)}${place}`,
    { nextStep: "Install the app's packages with npm install, and mend what is named", cause: failure },
  );
}

function isBuildFailure(thrown: unknown): thrown is BuildFailure {
  return thrown instanceof Error && 'errors' in thrown && Array.isArray(thrown.errors);
}
