import { join } from '../../src/disk/mod.js';
import {
  openPackage,
  packageResources,
  replaceFile,
  SIGNATURE_FILE,
  signResources,
  type OpenedPackage,
  type Signer,
} from '../../src/model/mod.js';

/**
 * Signs a package folder: every file is checked against the manifest first, so that nothing damaged is vouched for.
 * @throws EdgeError FAILED_PRECONDITION naming the file
 */
export async function signFolder(folder: string, signer: Signer): Promise<OpenedPackage> {
  const trust = { policy: 'off', keys: [] } as const;
  const opened = await openPackage(folder, { trust, nowMs: undefined, keep: [] });
  const resources = packageResources(opened.manifest, opened.digest);
  const bytes = await signResources(opened.manifest.name, resources, signer);
  await replaceFile(join(folder, SIGNATURE_FILE), bytes);
  return opened;
}
