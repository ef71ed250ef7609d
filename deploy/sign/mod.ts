import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import {
  createKeySigner,
  openPackage,
  SIGNATURE_FILE,
  type OpenedPackage,
  type SignaturePolicy,
  type Signer,
} from '../../src/model/mod.js';
import { addArtifact } from '../package/recipe-file.js';
import { signFolder } from './sign-folder.js';

export * from './sign-folder.js';

/** Files that a signer is made from; the passphrase comes from the environment, never from the command line. */
export interface SignerFiles {
  readonly keyFile: string;
  readonly chainFile?: string | undefined;
  readonly passphrase?: string | undefined;
}

export async function readSigner({ keyFile, chainFile, passphrase }: SignerFiles): Promise<Signer> {
  const key = await readPem(keyFile);
  return createKeySigner(key, {
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(chainFile === undefined ? {} : { chainPem: await readPem(chainFile) }),
  });
}

/** Signs a package, and lists the signature in the recipe beside it where there is one. */
export async function signPackage(
  folder: string,
  signer: Signer,
): Promise<{ opened: OpenedPackage; recipeFile: string | undefined }> {
  const opened = await signFolder(folder, signer);
  return { opened, recipeFile: await addArtifact(resolve(folder), SIGNATURE_FILE) };
}

/** Checks a package as a device would. */
export async function verifyPackage(
  folder: string,
  options: { policy: SignaturePolicy; keyFiles: readonly string[]; nowMs: number | undefined },
): Promise<OpenedPackage> {
  const keys: string[] = [];
  for (const file of options.keyFiles) keys.push(await readPem(file));
  return openPackage(folder, { trust: { policy: options.policy, keys }, nowMs: options.nowMs, keep: [] });
}

/** @throws EdgeError NOT_FOUND naming the file */
export async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new EdgeError('FILE_NOT_FOUND', `Cannot read the key file: ${messageOf(error)}`, {
      field: file,
      cause: error,
    });
  }
}
