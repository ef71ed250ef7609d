import semver from 'semver';
import type { Reason } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import type { Manifest } from './manifest-schema.js';
import type { PackageSignature } from './package-reader.js';

/** What the device knows of a model when a package arrives. */
export interface AdmissionContext {
  /** Version of the agent runtime. */
  readonly runtimeVersion: string;
  /** `linux-x64` or `linux-arm64`. */
  readonly platform: string;
  /** The newest version ever admitted for this name; undefined: none. */
  readonly newestVersion: string | undefined;
  /** Digests that this device has served, or keeps as previous: always admitted again. */
  readonly servedDigests: ReadonlySet<string>;
}

/**
 * Whether a package that was opened may serve here: for this platform and runtime, and not older than what was
 * here before, unless this device has served it or its signature allows it.
 * @throws EdgeError FAILED_PRECONDITION naming the field of the manifest
 */
export function checkAdmission(
  { manifest, digest, signature }: { manifest: Manifest; digest: string; signature: PackageSignature },
  context: AdmissionContext,
): void {
  const { target, minimumRuntimeVersion, version } = manifest;
  if (target !== 'any' && target !== context.platform) {
    fail('PACKAGE_REFUSED_TARGET', 'target', `it is made for ${target}: this device is ${context.platform}`);
  }
  if (semver.lt(context.runtimeVersion, minimumRuntimeVersion)) {
    fail(
      'PACKAGE_REFUSED_RUNTIME',
      'minimumRuntimeVersion',
      `it needs runtime ${minimumRuntimeVersion}: this device has ${context.runtimeVersion}`,
    );
  }
  if (context.servedDigests.has(digest)) return;
  const { newestVersion } = context;
  if (newestVersion === undefined || version === newestVersion || semver.gt(version, newestVersion)) return;
  // Without a checked signature anybody could write allowDowngrade into a manifest.
  if (manifest.allowDowngrade === true && signature.state === 'verified') return;
  // Build metadata orders nothing: of two that differ in it alone, nobody can say which is newer.
  const relation = semver.eq(version, newestVersion) ? 'not newer than' : 'older than';
  fail(
    'PACKAGE_REFUSED_DOWNGRADE',
    'version',
    `${version} is ${relation} ${newestVersion}, which was admitted before`,
  );
}

function fail(reason: Reason, field: string, sentence: string): never {
  throw new EdgeError(reason, `Cannot admit the package as ${sentence}`, { field });
}
