import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import type { Provenance } from '../../src/model/mod.js';
import type { ArtifactStore, ModelRegistry, RegisteredModel } from '../cloud/components/mod.js';
import { freshFolder, removeAll, writeBytes } from '../files/mod.js';
import { unpackModels } from './unpack-models.js';

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
  store: Pick<ArtifactStore, 'get'>,
): Promise<ApprovedModel> {
  const found = await registry.registeredModel(arn);
  if (found.approval !== 'Approved') {
    throw new EdgeError(
      'MODEL_UNAPPROVED',
      `Cannot take the model package ${arn} as it is not approved: its status is ${found.approval}`,
      { nextStep: 'Have it approved in SageMaker: aws sagemaker update-model-package' },
    );
  }
  const folder = await freshFolder('edge-manager-registry-');
  const remove = (): Promise<void> => removeAll(folder);
  try {
    const file = join(folder, 'model.onnx');
    await fetchModel(found, store, file);
    return { file, provenance: provenanceOf(found), [Symbol.asyncDispose]: remove };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}

async function fetchModel(
  { arn, dataUrl }: RegisteredModel,
  store: Pick<ArtifactStore, 'get'>,
  file: string,
): Promise<void> {
  const action = `Cannot take the model package ${arn}`;
  const at = /^s3:\/\/([^/]+)\/(.+)$/.exec(dataUrl ?? '');
  const [, bucket = '', key = ''] = at ?? [];
  if (!/\.(onnx|tar\.gz|tgz)$/.test(key)) {
    throw new EdgeError(
      'ARCHIVE_REFUSED',
      `${action} as its data must be an .onnx or .tar.gz object: current value is ${dataUrl ?? 'none'}`,
    );
  }
  const bytes = await store.get(bucket, key, MODEL_MAX_BYTES);
  if (key.endsWith('.onnx')) return await writeBytes(file, bytes);
  const found = await unpackModels(bytes, file, action);
  if (found === 1) return;
  throw new EdgeError(
    'ARCHIVE_REFUSED',
    `${action} as its archive must hold exactly one .onnx file: it holds ${found}`,
  );
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
