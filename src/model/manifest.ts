import semver from 'semver';
import { canonicalJson, EdgeError, messageOf, validate } from '../core/mod.js';
import { ManifestSchema, RESERVED_LABELS, type Manifest } from './manifest-schema.js';
import { MANIFEST_FILE, SIGNATURE_FILE } from './names.js';

export const MANIFEST_MAX_BYTES = 8 * 1024 * 1024;
export const PACKAGE_MAX_BYTES = 4 * 1024 ** 3;
/** What a device keeps of packages in all, in MiB, where its configuration says nothing else. */
export const DEFAULT_PACKAGE_QUOTA_MB = 2048;
const ACTION = 'Cannot read the manifest';

/**
 * The manifest's one true byte form: keys sorted, two spaces, one line end. The package digest is the SHA-256
 * of these bytes, so equal packages have equal digests.
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(manifest, 2)}\n`);
}

/**
 * Reads and checks manifest bytes, byte form included: a second way to write the same manifest (a doubled key,
 * other white space) would give one package two digests.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_MAX_BYTES) {
    fail(`it must be at most ${MANIFEST_MAX_BYTES} bytes: current size is ${bytes.length}`);
  }
  const manifest = validate(ManifestSchema, parseJson(bytes), ACTION);
  checkManifest(manifest);
  if (!equalBytes(bytes, encodeManifest(manifest))) {
    fail('it must be in canonical form (sorted keys, two spaces, one line end)');
  }
  return manifest;
}

/** What a schema can't say: how the parts of a manifest hang together. */
function checkManifest(manifest: Manifest): void {
  checkVersion(manifest.version, 'version');
  checkVersion(manifest.minimumRuntimeVersion, 'minimumRuntimeVersion');
  checkFiles(manifest);
  checkReferences(manifest);
  checkNames(manifest.inputs, 'inputs');
  checkNames(manifest.outputs, 'outputs');
  checkVersionLabels(manifest.versionLabels ?? []);
  if (manifest.expires !== undefined && Number.isNaN(Date.parse(manifest.expires))) {
    fail(`'expires' must be an instant: current value is ${manifest.expires}`, 'expires');
  }
}

/** SHA-256 of the model's own bytes, as the manifest lists it. */
export function modelDigestOf({ files, model }: Pick<Manifest, 'files' | 'model'>): string | undefined {
  return files.find(({ path }) => path === model.file)?.sha256;
}

/** The package's files of weights, which its model may name: bytes by name. */
export function weightsFilesOf({ files }: Pick<Manifest, 'files'>): ReadonlyMap<string, number> {
  return new Map(
    files.flatMap(({ path, role, sizeBytes }) => (role === 'weights' ? [[path, sizeBytes]] : [])),
  );
}

function checkVersion(version: string, field: string): void {
  if (semver.valid(version) !== version) {
    fail(`'${field}' must be a semantic version such as 1.2.3: current value is ${version}`, field);
  }
}

function checkVersionLabels(labels: readonly string[]): void {
  const taken = labels.findIndex((label) => RESERVED_LABELS.includes(label));
  if (taken < 0) return;
  const field = `versionLabels[${taken}]`;
  fail(`'${field}' must not be ${RESERVED_LABELS.join(' or ')}, which the agent gives itself`, field);
}

function checkFiles(manifest: Manifest): void {
  const reserved = new Set([MANIFEST_FILE, SIGNATURE_FILE]);
  const seen = new Set<string>();
  let totalBytes = 0;
  let previous = '';
  for (const [index, file] of manifest.files.entries()) {
    const field = `files[${index}].path`;
    // Some file systems fold case: two names that differ by case only would be one file there.
    const folded = file.path.toLowerCase();
    if (reserved.has(folded)) fail(`'${field}' must not be the reserved name ${file.path}`, field);
    if (seen.has(folded))
      fail(`'${field}' must be unique whatever its case: ${file.path} is there twice`, field);
    if (file.path <= previous)
      fail(`'files' must be sorted by path: ${file.path} follows ${previous}`, field);
    seen.add(folded);
    previous = file.path;
    totalBytes += file.sizeBytes;
  }
  if (totalBytes > PACKAGE_MAX_BYTES) {
    fail(`'files' must total at most ${PACKAGE_MAX_BYTES} bytes: current total is ${totalBytes}`, 'files');
  }
}

function checkReferences(manifest: Manifest): void {
  const roles = new Map(manifest.files.map((file) => [file.path, file.role]));
  const wanted = [
    ['model.file', manifest.model.file, 'model'],
    ['samples.file', manifest.samples?.file, 'samples'],
    ['baseline.statistics', manifest.baseline?.statistics, 'baseline'],
    ['baseline.constraints', manifest.baseline?.constraints, 'baseline'],
  ] as const;
  for (const [field, file, role] of wanted) {
    if (file !== undefined && roles.get(file) !== role) {
      fail(`'${field}' must name a file of role ${role} in 'files': current value is ${file}`, field);
    }
  }
  const models = manifest.files.filter((file) => file.role === 'model');
  if (models.length !== 1)
    fail(`'files' must hold one file of role model: it holds ${models.length}`, 'files');
}

function checkNames(specs: readonly { name: string }[], field: string): void {
  const seen = new Set<string>();
  for (const { name } of specs) {
    if (seen.has(name)) fail(`'${field}' must have unique names: ${name} is there twice`, field);
    seen.add(name);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new EdgeError('MANIFEST_INVALID', `${ACTION} as it is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function fail(reason: string, field?: string): never {
  throw new EdgeError('MANIFEST_INVALID', `${ACTION} as ${reason}`, { field });
}
