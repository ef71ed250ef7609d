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

/** What devices may be given to trust. @throws EdgeError for what is neither a public key nor a certificate in PEM */
export async function readPublicPem(file: string): Promise<string> {
  const pem = await readPem(file);
  // A private key in a device's configuration would be everybody's.
  if (/^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----$/m.test(pem) && !pem.includes('PRIVATE KEY')) return pem;
  throw new EdgeError(
    'SIGNING_KEY_INVALID',
    `Cannot trust ${file} as it holds no public key or certificate in PEM`,
    {
      field: file,
      nextStep: 'Make one of the private key: openssl ec -in key.pem -pubout -out public.pem',
    },
  );
}
