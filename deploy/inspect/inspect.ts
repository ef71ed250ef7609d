import { EdgeError, messageOf } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import {
  MANIFEST_FILE,
  SIGNATURE_FILE,
  openPackage,
  weightsFilesOf,
  type Manifest,
  type OpenedPackage,
  type SignaturePolicy,
} from '../../src/model/mod.js';
import { decodeModel, summarizeModel, type ModelSummary } from '../../src/onnx/decoded/mod.js';
import { checkModelBytes, type ModelFacts } from '../../src/onnx/mod.js';
import { readModel } from '../compile/mod.js';
import { exists, isFolder } from '../files/mod.js';

/** What a model file or a package folder holds. */
export interface Inspection {
  readonly model: ModelFacts & ModelSummary & { readonly sizeBytes: number };
  /** Only for a package. */
  readonly package?: {
    readonly digest: string;
    readonly manifest: Manifest;
    readonly signature: 'none' | 'present, not checked' | OpenedPackage['signature'];
  };
}

/**
 * Reads a model or a package without running it. A package's digests are checked; its signature only where
 * trusted keys are given.
 * @throws EdgeError FAILED_PRECONDITION naming the file
 */
export async function inspect(path: string, trustedKeys: readonly string[] = []): Promise<Inspection> {
  if (!(await isPackage(path))) {
    const { bytes, facts, weights } = await readModel(path);
    const sizeBytes = weights.reduce((sum, one) => sum + one.sizeBytes, bytes.length);
    return { model: { ...facts, ...summarizeModel(decodeModel(bytes)), sizeBytes } };
  }
  const policy: SignaturePolicy = trustedKeys.length === 0 ? 'off' : 'if-present';
  const opened = await openPackage(path, {
    trust: { policy, keys: trustedKeys },
    nowMs: undefined,
    keep: ['model'],
  });
  const bytes = opened.model ?? new Uint8Array();
  const weights = weightsFilesOf(opened.manifest);
  const facts = checkModelBytes(bytes, weights);
  const sizeBytes = [...weights.values()].reduce((sum, one) => sum + one, bytes.length);
  return {
    model: { ...facts, ...summarizeModel(decodeModel(bytes)), sizeBytes },
    package: {
      digest: opened.digest,
      manifest: opened.manifest,
      signature: policy === 'off' ? await signaturePresence(path) : opened.signature,
    },
  };
}

async function signaturePresence(folder: string): Promise<'none' | 'present, not checked'> {
  return (await exists(join(folder, SIGNATURE_FILE))) ? 'present, not checked' : 'none';
}

async function isPackage(path: string): Promise<boolean> {
  try {
    return await isFolder(path);
  } catch (error) {
    throw new EdgeError('FILE_NOT_FOUND', `Cannot inspect ${path}: ${messageOf(error)}`, {
      nextStep: `Give an ONNX file, or a package folder with a ${MANIFEST_FILE}`,
      cause: error,
    });
  }
}
