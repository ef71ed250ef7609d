import { messageOf } from '../../src/core/mod.js';
import { resolve } from '../../src/disk/mod.js';
import {
  openPackage,
  SIGNATURE_FILE,
  type Explain,
  type OpenedPackage,
  type PackageTrust,
  type SignaturePolicy,
  type Signer,
} from '../../src/model/mod.js';
import { addArtifact } from '../recipe-file/mod.js';
import { signFolder } from './sign-folder.js';
import { readTrust } from './configured-trust.js';
import { readPem } from './signer.js';

/** Signs a package, and lists the signature in the recipe beside it where there is one. */
export async function signPackage(
  folder: string,
  signer: Signer,
): Promise<{ opened: OpenedPackage; recipeFile: string | undefined }> {
  const opened = await signFolder(folder, signer);
  return { opened, recipeFile: await addArtifact(resolve(folder), SIGNATURE_FILE) };
}

export interface VerifyRequest {
  /** Default: the configured one, or `required`. */
  readonly policy: SignaturePolicy | undefined;
  /** An agent's configuration, whose `signature` counts. */
  readonly configurationFile?: string | undefined;
  readonly keyFiles: readonly string[];
  readonly nowMs: number | undefined;
  readonly explain: Explain;
}

/** Checks a package as a device would; what fails is the last that `explain` hears of. */
export async function verifyPackage(folder: string, request: VerifyRequest): Promise<OpenedPackage> {
  const { nowMs, explain } = request;
  let failed = false;
  const heard: Explain = (check) => {
    failed ||= check.outcome === 'fails';
    explain(check);
  };
  try {
    return await openPackage(folder, { trust: await trustFor(request), nowMs, keep: [], explain: heard });
  } catch (thrown) {
    if (!failed) explain({ what: 'the package can be read', outcome: 'fails', detail: messageOf(thrown) });
    throw thrown;
  }
}

async function trustFor({ policy, configurationFile, keyFiles }: VerifyRequest): Promise<PackageTrust> {
  const keys: string[] = [];
  for (const file of keyFiles) keys.push(await readPem(file));
  if (configurationFile === undefined) return { policy: policy ?? 'required', keys };
  const configured = await readTrust(configurationFile);
  return { ...configured, policy: policy ?? configured.policy, keys: [...configured.keys, ...keys] };
}
