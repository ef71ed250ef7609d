import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, messageOf, toEdgeError } from '../core/mod.js';
import { MANIFEST_MAX_BYTES, PACKAGE_MAX_BYTES, parseManifest } from './manifest.js';
import type { FileRole, Manifest, PackageFile } from './manifest-schema.js';
import { MANIFEST_FILE, SIGNATURE_FILE } from './names.js';
import { SIGNATURE_MAX_BYTES, type Resource } from './signature-bundle.js';
import { verifySignature } from './signature.js';
import { checked, parseTrust, type Explain, type TrustLimits } from './trust/mod.js';
import { readOnce, refuse, type VerifiedFile } from './verified-file.js';

export type SignaturePolicy = 'required' | 'if-present' | 'off';

/** Whose signatures count, and whether one must be there. `keys` are PEM texts: public keys or certificates. */
export interface PackageTrust extends TrustLimits {
  readonly policy: SignaturePolicy;
  readonly keys: readonly string[];
  /** Manifest digests that nothing may be admitted by, whatever the policy. */
  readonly revokedPackages?: readonly string[];
}

export interface OpenOptions {
  readonly trust: PackageTrust;
  /** Wall time; undefined where the clock is not known to be right: certificates' dates and `expires` don't count then. */
  readonly nowMs: number | undefined;
  /** Roles whose bytes are kept in memory; all other files are checked only. Default: model, samples, baseline. */
  readonly keep?: readonly FileRole[];
  /** The manifest digest that must be found, where it is known. */
  readonly expectedDigest?: string;
  /** Hears of each step. */
  readonly explain?: Explain;
}

export type PackageSignature =
  | { readonly state: 'verified'; readonly method: 'key' | 'certificate'; readonly signer: string }
  | { readonly state: 'unsigned' }
  /** Policy `off`: nobody looked. */
  | { readonly state: 'unchecked' };

export interface OpenedPackage {
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's bytes: names the whole package, as the manifest holds every file's digest. */
  readonly digest: string;
  readonly signature: PackageSignature;
  /** Bytes by file name, of the kept roles. Exactly what was verified: give these to onnxruntime, never the path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** By file name, of all files: {@link checkUnchanged} takes them. */
  readonly marks: ReadonlyMap<string, string>;
  /** The model's bytes, where role `model` is kept. */
  readonly model: Uint8Array | undefined;
}

const DEFAULT_KEEP: readonly FileRole[] = ['model', 'samples', 'baseline'];

/**
 * Opens a package folder: every file is read once and checked against the manifest, and the manifest against
 * the signature. Anything that is not in the manifest makes the folder unacceptable.
 * @throws EdgeError FAILED_PRECONDITION naming the file, NOT_FOUND where there is no such folder
 */
export async function openPackage(folder: string, options: OpenOptions): Promise<OpenedPackage> {
  const names = await listFolder(folder);
  const { trust, nowMs, explain } = options;
  const { manifest, digest } = await readManifest(folder, options.expectedDigest);
  explain?.({ what: 'the manifest is in its one canonical form', outcome: 'holds', detail: digest });
  checked(explain, 'the folder holds nothing else than the manifest lists', () =>
    checkListing(names, manifest),
  );
  checked(explain, 'the package is not revoked', () => checkRevoked(digest, trust.revokedPackages));
  const signature = await checkSignature(folder, names, manifest, digest, options);
  checked(
    explain,
    nowMs === undefined ? 'the package has not expired (dates not counted)' : 'the package has not expired',
    () => checkExpiry(manifest, nowMs),
    () => manifest.expires ?? 'it never does',
  );
  const { files, marks } = await readFiles(folder, manifest, options);
  return { manifest, digest, signature, files, marks, model: files.get(manifest.model.file) };
}

async function readFiles(
  folder: string,
  manifest: Manifest,
  { keep = DEFAULT_KEEP, explain }: OpenOptions,
): Promise<Pick<OpenedPackage, 'files' | 'marks'>> {
  const files = new Map<string, Uint8Array>();
  const marks = new Map<string, string>();
  for (const file of manifest.files) {
    const { bytes, mark } = await readFile(folder, file, keep.includes(file.role));
    marks.set(file.path, mark);
    if (bytes !== undefined) files.set(file.path, bytes);
  }
  const detail = `${manifest.files.length} files`;
  explain?.({ what: 'every byte of every file is as the manifest says', outcome: 'holds', detail });
  return { files, marks };
}

/**
 * What the signature of a package is worth, without a look at its files; of a folder that has gone, a revoked digest
 * still tells.
 * @throws EdgeError as {@link openPackage}
 */
export async function checkPackageSignature(
  folder: string,
  digest: string,
  { trust, nowMs }: Pick<OpenOptions, 'trust' | 'nowMs'>,
): Promise<void> {
  checkRevoked(digest, trust.revokedPackages);
  if (trust.policy === 'off') return;
  const names = await listFolder(folder);
  const { manifest } = await readManifest(folder, digest);
  await checkSignature(folder, names, manifest, digest, { trust, nowMs });
}

/** @throws EdgeError PACKAGE_REVOKED */
export function checkRevoked(digest: string, revoked: readonly string[] = []): void {
  if (!revoked.includes(digest)) return;
  throw new EdgeError('PACKAGE_REVOKED', `Cannot trust the package as its digest ${digest} is revoked`, {
    nextStep: 'Deploy another version',
  });
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const strange = entries.find((entry) => entry.isDirectory());
    if (strange !== undefined) refuse(strange.name, 'a package has no subfolders');
    return entries.map(({ name }) => name);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError('PACKAGE_NOT_FOUND', `Cannot open the package: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function readManifest(
  folder: string,
  expectedDigest: string | undefined,
): Promise<{ manifest: Manifest; digest: string }> {
  const options = { keep: true, maxBytes: MANIFEST_MAX_BYTES };
  const { bytes, sha256 } = await readOnce(join(folder, MANIFEST_FILE), MANIFEST_FILE, options);
  if (expectedDigest !== undefined && sha256 !== expectedDigest) {
    refuse(MANIFEST_FILE, `its SHA-256 must be ${expectedDigest}: current value is ${sha256}`);
  }
  try {
    return { manifest: parseManifest(bytes ?? new Uint8Array()), digest: sha256 };
  } catch (error) {
    const { message, field } = toEdgeError(error);
    throw new EdgeError('PACKAGE_REFUSED_MANIFEST', message, { field, cause: error });
  }
}

function checkListing(names: readonly string[], manifest: Manifest): void {
  const known = new Set([MANIFEST_FILE, SIGNATURE_FILE, ...manifest.files.map(({ path }) => path)]);
  const extra = names.find((name) => !known.has(name));
  if (extra !== undefined) refuse(JSON.stringify(extra), 'the manifest does not list it');
}

async function checkSignature(
  folder: string,
  names: readonly string[],
  manifest: Manifest,
  digest: string,
  { trust, nowMs, explain }: OpenOptions,
): Promise<PackageSignature> {
  const what = 'the package is signed';
  if (trust.policy === 'off') {
    explain?.({ what, outcome: 'skipped', detail: 'the policy is off: nobody looks' });
    return { state: 'unchecked' };
  }
  if (!names.includes(SIGNATURE_FILE)) {
    if (trust.policy === 'if-present') {
      explain?.({ what, outcome: 'skipped', detail: 'it is not, and the policy if-present allows it' });
      return { state: 'unsigned' };
    }
    throw new EdgeError(
      'PACKAGE_REFUSED_SIGNATURE',
      `Cannot open the package as it is not signed: policy is ${trust.policy}`,
      {
        field: SIGNATURE_FILE,
        nextStep: 'Sign it with edge-manager sign, or set the signature policy',
      },
    );
  }
  const options = { keep: true, maxBytes: SIGNATURE_MAX_BYTES };
  const { bytes } = await readOnce(join(folder, SIGNATURE_FILE), SIGNATURE_FILE, options);
  const verified = refuseUnlessTrusted(() =>
    verifySignature(bytes ?? new Uint8Array(), parseTrust(trust.keys), nowMs, { ...trust, explain }),
  );
  checked(explain, 'the signature covers the manifest and every file, and nothing else', () =>
    checkResources(verified.resources, packageResources(manifest, digest)),
  );
  return { state: 'verified', method: verified.method, signer: verified.signer };
}

/** What a package's signature covers: the manifest and every file that it lists. */
export function packageResources(manifest: Manifest, manifestSha256: string): Resource[] {
  const files = manifest.files.map(({ path, sha256 }) => ({ name: path, sha256 }));
  return [...files, { name: MANIFEST_FILE, sha256: manifestSha256 }];
}

function checkResources(signed: readonly Resource[], present: readonly Resource[]): void {
  const digests = new Map(signed.map(({ name, sha256 }) => [name, sha256]));
  for (const { name, sha256 } of present) {
    const wanted = digests.get(name);
    if (wanted === undefined) refuse(name, 'the signature does not cover it');
    if (wanted !== sha256) refuse(name, `its signed SHA-256 is ${wanted}: current value is ${sha256}`);
    digests.delete(name);
  }
  for (const name of digests.keys())
    refuse(JSON.stringify(name), 'the signature covers it, but it is not there');
}

function refuseUnlessTrusted<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    const { message, nextStep, reason } = toEdgeError(error);
    const refused = reason === 'PACKAGE_REVOKED' ? reason : 'PACKAGE_REFUSED_SIGNATURE';
    throw new EdgeError(refused, message, {
      field: SIGNATURE_FILE,
      nextStep,
      cause: error,
    });
  }
}

function checkExpiry({ expires }: Manifest, nowMs: number | undefined): void {
  if (expires === undefined || nowMs === undefined || nowMs <= Date.parse(expires)) return;
  throw new EdgeError('PACKAGE_EXPIRED', `Cannot open the package as it expired at ${expires}`, {
    field: 'expires',
    nextStep: 'Publish a newer package, and check the clock',
  });
}

async function readFile(folder: string, file: PackageFile, keep: boolean): Promise<VerifiedFile> {
  const options = { keep, maxBytes: Math.min(file.sizeBytes, PACKAGE_MAX_BYTES) };
  const found = await readOnce(join(folder, file.path), file.path, options);
  if (found.sizeBytes !== file.sizeBytes) {
    refuse(file.path, `its size must be ${file.sizeBytes} bytes: current size is ${found.sizeBytes}`);
  }
  if (found.sha256 !== file.sha256) {
    refuse(file.path, `its SHA-256 must be ${file.sha256}: current value is ${found.sha256}`);
  }
  return found;
}
