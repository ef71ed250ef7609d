import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EdgeError } from '../../core/mod.js';
import { isNotFound } from '../../disk/mod.js';
import type { Artifact } from '../../recipe/mod.js';
import type { ComponentStore, Profile } from './api/mod.js';
import type { RootPaths } from './paths.js';
import { sizeOf, unzip } from './unzip.js';

/**
 * Brings a version's artifacts onto the device, where components can read but not change them. What is there already
 * stays, and is not checked again; only lite copies a local deployment's over it, as `cp` does.
 */
export async function fetchArtifacts(
  component: { readonly name: string; readonly version: string; readonly artifacts: readonly Artifact[] },
  store: ComponentStore,
  paths: RootPaths,
  profile: Profile,
): Promise<void> {
  const { name, version, artifacts } = component;
  const folder = paths.artifacts(name, version);
  const unarchived = paths.unarchived(name, version);
  for (const path of [folder, unarchived]) {
    await mkdir(path, { recursive: true, mode: 0o755 });
    await chmod(path, 0o755);
  }
  for (const artifact of artifacts) {
    const file = artifact.Uri.slice(artifact.Uri.lastIndexOf('/') + 1);
    const path = join(folder, file);
    const isThere = await exists(path);
    if (isThere && profile === 'lite' && store.isLocal === true) {
      await chmod(path, 0o644);
      await store.fetchArtifact(name, version, artifact.Uri, path);
      await chmod(path, modeOf(artifact));
    }
    if (!isThere) {
      const temporary = join(folder, `.${file}.tmp`);
      await rm(temporary, { force: true });
      await store.fetchArtifact(name, version, artifact.Uri, temporary);
      await checkDigest(temporary, artifact);
      await chmod(temporary, modeOf(artifact));
      await rename(temporary, path);
    }
    if (profile === 'nucleus' && artifact.Unarchive === 'ZIP') {
      await unzip(path, join(unarchived, file.replace(/\.zip$/i, '')), modeOf(artifact));
    }
  }
  await lockFolders(folder);
  await lockFolders(unarchived);
}

/** Removes artifacts of versions that are not in use any more. */
export async function removeStaleArtifacts(
  paths: RootPaths,
  isInUse: (name: string, version: string) => boolean,
): Promise<void> {
  for (const root of [paths.artifacts('', ''), paths.unarchived('', '')]) {
    for (const name of await namesIn(root)) {
      for (const version of await namesIn(join(root, name))) {
        if (!isInUse(name, version)) await removeLocked(join(root, name, version));
      }
    }
  }
}

/** Removes a tree whose folders cannot be written, such as a nucleus's root. */
export async function removeLocked(path: string): Promise<void> {
  await unlockFolders(path);
  await rm(path, { recursive: true, force: true });
}

/** Read and Execute as in the recipe; nothing here can be written. */
function modeOf({ Permission }: Artifact): number {
  const { Read = 'OWNER', Execute = 'NONE' } = Permission ?? {};
  if (Execute !== 'NONE') return 0o555;
  return Read === 'NONE' ? 0o000 : 0o444;
}

async function checkDigest(path: string, { Uri, Digest, Algorithm = 'SHA-256' }: Artifact): Promise<void> {
  if (Digest === undefined || Digest === '') return;
  const hash = createHash(Algorithm.replace('-', '').toLowerCase());
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest('base64');
  if (actual === Digest) return;
  await rm(path, { force: true });
  throw new EdgeError(
    'ARTIFACT_REFUSED_DIGEST',
    `Cannot use the artifact ${Uri} as its digest must be ${Digest}: current value is ${actual}`,
  );
}

async function lockFolders(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await lockFolders(join(path, entry.name));
  }
  await chmod(path, 0o555);
}

async function unlockFolders(path: string): Promise<void> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    await chmod(path, 0o755);
    for (const entry of entries) if (entry.isDirectory()) await unlockFolders(join(path, entry.name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await sizeOf(path)) !== undefined;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
