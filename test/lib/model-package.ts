import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '../../src/contract/mod.js';
import { systemRandom } from '../../src/system/mod.js';
import {
  completeManifest,
  encodeSamples,
  packageResources,
  replaceFile,
  SIGNATURE_FILE,
  signResources,
  writePackage,
  type Manifest,
  type NewFile,
  type Signer,
} from '../../src/model/mod.js';

/** A fresh folder below the system's temporary one; the caller removes it. */
export function temporaryFolder(prefix = 'edge-manager-'): Promise<string> {
  return mkdtemp(join(tmpdir(), prefix));
}

export function floats(name: string, shape: number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

export function keyPair(namedCurve: 'P-256' | 'P-384' | 'P-521' = 'P-256'): {
  privatePem: string;
  publicPem: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privatePem: privateKey, publicPem: publicKey };
}

export interface SmallPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly digest: string;
}

/** A package with a small model-like file: for everything that must happen before onnxruntime is asked. */
export async function writeSmallPackage(
  folder: string,
  options: { manifest?: Partial<Manifest>; model?: Uint8Array; weights?: Uint8Array; signer?: Signer } = {},
): Promise<SmallPackage> {
  const sample = {
    name: 'first',
    inputs: [floats('x', [1, 2], [1, 2])],
    outputs: [floats('y', [1, 2], [2, 4])],
  };
  const files: NewFile[] = [
    {
      path: 'model.onnx',
      role: 'model',
      bytes: options.model ?? Buffer.from('not a model, but forty bytes of something'),
    },
    { path: 'samples.json', role: 'samples', bytes: encodeSamples([sample]) },
    ...(options.weights === undefined
      ? []
      : [{ path: 'weights-1.bin', role: 'weights' as const, bytes: options.weights }]),
    { path: 'LICENCE.txt', role: 'licence', bytes: Buffer.from('do what you like\n') },
  ];
  const manifest = completeManifest(
    {
      formatVersion: 1,
      name: 'Doubler',
      version: '1.0.0',
      componentName: 'org.edgemanager.model.Doubler',
      target: 'any',
      minimumRuntimeVersion: '0.1.0',
      model: { file: 'model.onnx', irVersion: 8, opset: 16, domains: [{ domain: 'ai.onnx', version: 16 }] },
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2] }],
      samples: { file: 'samples.json', count: 1, tolerance: { absolute: 1e-6, relative: 0 } },
      selfTest: { outcome: 'skipped' },
      ...options.manifest,
    },
    files,
  );
  const { digest } = await writePackage(folder, manifest, files, systemRandom);
  if (options.signer !== undefined) await signFolder(folder, manifest, digest, options.signer);
  return { folder, manifest, digest };
}

export async function signFolder(
  folder: string,
  manifest: Manifest,
  digest: string,
  signer: Signer,
): Promise<void> {
  const bytes = await signResources(manifest.name, packageResources(manifest, digest), signer);
  await replaceFile(join(folder, SIGNATURE_FILE), bytes);
}
