import { EdgeError, messageOf } from '../../src/core/mod.js';
import { createKeySigner, type Signer } from '../../src/model/mod.js';
import { readText } from '../files/mod.js';

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

/** @throws EdgeError NOT_FOUND naming the file */
export async function readPem(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (error) {
    throw new EdgeError('FILE_NOT_FOUND', `Cannot read the key file: ${messageOf(error)}`, {
      field: file,
      cause: error,
    });
  }
}
