import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import type { Provenance } from '../../src/model/mod.js';
import type { ArtifactStore, ModelRegistry, RegisteredModel } from '../cloud/component-mod.js';
import { tarFiles } from './tar.js';

/** onnxruntime reads a model as one protobuf message, which ends at 2 GiB. */
const MODEL_MAX_BYTES = 2 ** 31 - 1;

/** An approved model of SageMaker's registry in a folder of its own, which goes with this object. */
export interface ApprovedModel extends AsyncDisposable {
  readonly file: string;
  readonly provenance: Provenance;
}

/**
 * Fetches the ONNX file of a model package: an object named `*.onnx`, or the only such file of a `.tar.gz`.
 * @throws EdgeError FAILED_PRECONDITION where the registry has not approved it
 */
export async function fetchApprovedModel(
  arn: string,
  registry: ModelRegistry,
  store: ArtifactStore,
): Promise<ApprovedModel> {
  const found = await registry.registeredModel(arn);
  if (found.approval !== 'Approved') {
    throw new EdgeError(
      'FAILED_PRECONDITION',
      `Cannot take the model package ${arn} as it is not approved: its status is ${found.approval}`,
      { nextStep: 'Have it approved in SageMaker: aws sagemaker update-model-package' },
    );
  }
  const bytes = await modelBytes(found, store);
  const folder = await mkdtemp(join(tmpdir(), 'edge-manager-registry-'));
  const file = join(folder, 'model.onnx');
  await writeFile(file, bytes);
  return {
    file,
    provenance: provenanceOf(found),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function modelBytes({ arn, dataUrl }: RegisteredModel, store: ArtifactStore): Promise<Uint8Array> {
  const action = `Cannot take the model package ${arn}`;
  const at = /^s3:\/\/([^/]+)\/(.+)$/.exec(dataUrl ?? '');
  const [, bucket = '', key = ''] = at ?? [];
  if (!/\.(onnx|tar\.gz|tgz)$/.test(key)) {
    throw new EdgeError(
      'INVALID_ARGUMENT',
      `${action} as its data must be an .onnx or .tar.gz object: current value is ${dataUrl ?? 'none'}`,
    );
  }
  const bytes = await store.get(bucket, key, MODEL_MAX_BYTES);
  if (key.endsWith('.onnx')) return bytes;
  const models = unpack(bytes, action).filter(({ name }) => name.endsWith('.onnx'));
  const [only] = models;
  if (models.length === 1 && only !== undefined) return only.bytes;
  throw new EdgeError(
    'INVALID_ARGUMENT',
    `${action} as its archive must hold exactly one .onnx file: it holds ${models.length}`,
  );
}

function unpack(bytes: Uint8Array, action: string): { name: string; bytes: Uint8Array }[] {
  try {
    return tarFiles(gunzipSync(bytes, { maxOutputLength: MODEL_MAX_BYTES }));
  } catch (cause) {
    throw new EdgeError('INVALID_ARGUMENT', `${action} as its archive is damaged: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function provenanceOf(found: RegisteredModel): Provenance {
  const { arn, approval, approvedBy, approvalDescription, commit, repository, generatedBy } = found;
  const optional = { commit, repository, trainingJob: generatedBy };
  return {
    ...Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined && value !== ''),
    ),
    modelPackageArn: arn,
    approval: {
      status: approval,
      ...(approvedBy === undefined ? {} : { by: approvedBy }),
      ...(approvalDescription === undefined ? {} : { description: approvalDescription }),
    },
  };
}
