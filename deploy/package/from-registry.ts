import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArchiveGuard, EdgeError, messageOf } from '../../src/core/mod.js';
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
  const folder = await mkdtemp(join(tmpdir(), 'edge-manager-registry-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
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
  if (key.endsWith('.onnx')) return await writeFile(file, bytes);
  const found = await unpackModels(bytes, file, action);
  if (found === 1) return;
  throw new EdgeError(
    'ARCHIVE_REFUSED',
    `${action} as its archive must hold exactly one .onnx file: it holds ${found}`,
  );
}

/** Writes the first .onnx file of a `.tar.gz`, and nothing else. @returns how many there are */
async function unpackModels(bytes: Uint8Array, file: string, action: string): Promise<number> {
  const guard = new ArchiveGuard(action, bytes.length);
  let models = 0;
  try {
    for await (const { path, content } of tarFiles(gunzipped(bytes, guard), guard)) {
      if (path.endsWith('.onnx') && models++ === 0) await pipeline(content, createWriteStream(file));
    }
    return models;
  } catch (thrown) {
    if (thrown instanceof EdgeError) throw thrown;
    return guard.refuse(`its archive is damaged: ${messageOf(thrown)}`, thrown);
  }
}

async function* gunzipped(bytes: Uint8Array, guard: ArchiveGuard): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  gunzip.end(bytes);
  for await (const piece of gunzip as AsyncIterable<Buffer>) {
    guard.unpacked(piece.length);
    yield piece;
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
