import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { packageModel } from '../../deploy/package/mod.js';
import { createKeySigner, type Signer } from '../../src/model/mod.js';
import { ROOT } from './root.js';

/** A key that lives as long as the stage, and what devices trust. */
export interface SigningKey {
  readonly signer: Signer;
  readonly publicPem: string;
}

export function makeSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    signer: createKeySigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

export interface PackagedModel {
  /** Holds greengrass-build. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly componentName: string;
  /** The ONNX file as it goes to the device. */
  readonly modelFile: string;
}

/** `edge-manager package` with a signature, for one of examples/models. */
export async function packageExample(
  example: string,
  folder: string,
  key: SigningKey,
  options: { readonly skipSelfTest?: boolean; readonly version?: string } = {},
): Promise<PackagedModel> {
  const path = join(folder, options.version === undefined ? example : `${example}-${options.version}`);
  const { manifest, folder: artifacts } = await packageModel({
    file: join(ROOT, 'examples', 'models', example, 'model.yaml'),
    outFolder: join(path, 'greengrass-build'),
    // Class names come with the npm package of the model.
    allowOutside: true,
    skipSelfTest: options.skipSelfTest ?? false,
    timeoutMs: 120_000,
    signer: key.signer,
    ...(options.version === undefined
      ? {}
      : { override: { version: options.version, componentVersion: options.version } }),
  });
  return {
    path,
    name: manifest.name,
    version: manifest.version,
    componentName: manifest.componentName,
    modelFile: join(artifacts, 'model.onnx'),
  };
}
