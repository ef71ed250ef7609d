import { resolve } from '../../src/disk/mod.js';
import {
  openPackage,
  SIGNATURE_FILE,
  type OpenedPackage,
  type SignaturePolicy,
  type Signer,
} from '../../src/model/mod.js';
import { addArtifact } from '../recipe-file/mod.js';
import { signFolder } from './sign-folder.js';
import { readPem } from './signer.js';

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
