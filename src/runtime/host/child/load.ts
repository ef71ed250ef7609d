import { EdgeError, isJsonObject, MEBIBYTE, type Clock, type JsonObject } from '../../../core/mod.js';
import type { TensorMetadata } from '../../../contract/mod.js';
import { join } from '../../../disk/mod.js';
import { checkModelBytes, type WeightsFiles } from '../../../onnx/mod.js';
import type { Engine, EngineSession, SessionOptions } from '../../../engine/mod.js';
import {
  checkUnchanged,
  giveBack,
  modelDigestOf,
  openPackage,
  weightsFilesOf,
  type FileRole,
  type OpenedPackage,
} from '../../../model/mod.js';
import type { LoadReport, LoadSpec, VerifiedFile } from '../port/mod.js';
import type { VerifiedReport } from '../protocol/mod.js';
import { loadCompiled, type CompiledLoad } from './compiled-cache.js';
import { runSamples } from '../golden/mod.js';
import { checkSignature, type Signature } from './signature.js';

/** A model file beyond this is loaded from the agent's copy: its bytes and the session's would be the model twice. */
const BY_PATH_ABOVE_BYTES = 256 * MEBIBYTE;

export interface LoadedModel {
  readonly session: EngineSession;
  readonly report: Omit<LoadReport, 'confinement'>;
  /**
   * Holds the files that ONNX Runtime keeps mapped to what was verified; call it after a run, before its answer counts.
   * @throws EdgeError FAILED_PRECONDITION naming the file
   */
  readonly checkFiles: () => Promise<void>;
}

export interface LoadSettings {
  readonly allowSpinning: boolean;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly byPathAboveBytes?: number;
}

/**
 * From a package's folder to a session that may serve: verified, guarded, compiled, of the promised signature,
 * and right on its golden samples. The bytes that were verified are the bytes that ONNX Runtime gets. What is too
 * large for that (weights in files of their own, a large model file in the agent's copy) it opens by path, after its
 * digest was taken; what changed between the two is refused.
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export async function loadPackage(
  engine: Engine,
  spec: LoadSpec,
  settings: LoadSettings,
): Promise<LoadedModel> {
  const { clock } = settings;
  const begunMs = clock.monotonicMs();
  const opened = await openPackage(spec.folder, {
    trust: spec.trust,
    nowMs: spec.nowMs,
    keep: ['model', 'samples'],
    ...(spec.expectedDigest === undefined ? {} : { expectedDigest: spec.expectedDigest }),
  });
  const model = opened.model;
  if (model === undefined)
    throw new EdgeError('INTERNAL', 'Cannot load the model as its bytes were not kept');
  const verifiedMs = clock.monotonicMs();
  const weights = weightsFilesOf(opened.manifest);
  const graph = checkModelBytes(model, weights);
  const loaded = await loadSession(engine, spec, { model, weights, opened }, settings);
  const checkFiles = (): Promise<void> => checkMarks(spec.folder, opened, [...weights.keys()]);
  try {
    await checkFiles();
    // What was checked is what ONNX Runtime loaded, and what the package promises: three accounts of one model.
    checkSignature(graph, loaded.session, 'the checked graph says');
    checkSignature(opened.manifest, loaded.session, 'the manifest says');
    const samplesRun = await runSamples(
      loaded.session,
      { samples: opened.manifest.samples, files: opened.files },
      spec.runSamples,
    );
    await checkFiles();
    return {
      session: loaded.session,
      report: reportOf(opened, loaded, {
        verifyMs: verifiedMs - begunMs,
        loadMs: clock.monotonicMs() - verifiedMs,
        samplesRun,
      }),
      checkFiles,
    };
  } catch (error) {
    await loaded.session.close();
    throw error;
  }
}

/**
 * The part of {@link loadPackage} that needs no engine, for a host in another language: it gets files by their digests,
 * and holds what it loads to what the manifest says.
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export async function verifyPackage(
  spec: LoadSpec,
  clock: LoadSettings['clock'],
): Promise<typeof VerifiedReport.static> {
  const begunMs = clock.monotonicMs();
  const opened = await openPackage(spec.folder, {
    trust: spec.trust,
    nowMs: spec.nowMs,
    keep: ['model'],
    ...(spec.expectedDigest === undefined ? {} : { expectedDigest: spec.expectedDigest }),
  });
  const { manifest, model } = opened;
  if (model === undefined)
    throw new EdgeError('INTERNAL', 'Cannot verify the model as its bytes were not kept');
  checkSignature(
    checkModelBytes(model, weightsFilesOf(manifest)),
    manifest,
    'the checked graph says',
    'the manifest has',
  );
  const measured = { verifyMs: clock.monotonicMs() - begunMs, loadMs: 0, samplesRun: 0 };
  const session = { inputs: manifest.inputs.map(plainForm), outputs: manifest.outputs.map(plainForm) };
  const filesOf = (role: FileRole): VerifiedFile[] =>
    manifest.files
      .filter((file) => file.role === role)
      .map(({ path, sha256, sizeBytes }) => ({ path: join(spec.folder, path), sha256, byteSize: sizeBytes }));
  const [file] = filesOf('model');
  if (file === undefined)
    throw new EdgeError('INTERNAL', 'Cannot verify the model as its manifest lists none');
  return {
    report: reportOf(opened, { session, cacheHit: false }, measured),
    model: file,
    weights: filesOf('weights'),
    samples: filesOf('samples'),
  };
}

function plainForm({ name, datatype, shape }: TensorMetadata): TensorMetadata {
  return { name, datatype, shape };
}

interface Verified {
  readonly model: Uint8Array;
  readonly weights: WeightsFiles;
  readonly opened: OpenedPackage;
}

async function loadSession(
  engine: Engine,
  spec: LoadSpec,
  { model, weights, opened }: Verified,
  { allowSpinning, byPathAboveBytes = BY_PATH_ABOVE_BYTES }: LoadSettings,
): Promise<CompiledLoad> {
  const session: SessionOptions = { intraOpThreads: spec.threads, allowSpinning };
  // A graph that is compiled holds its weights once more: on disk, and in memory where it is loaded.
  if (weights.size > 0) {
    return {
      session: await engine.load(model, { ...session, weightsFolder: spec.folder }),
      cacheHit: false,
    };
  }
  if (model.length > byPathAboveBytes && spec.isCopy === true) {
    return await loadFile(engine, spec.folder, { model, opened }, session);
  }
  const modelDigest = modelDigestOf(opened.manifest);
  if (spec.compiledCacheFolder === undefined || modelDigest === undefined) {
    return { session: await engine.load(model, session), cacheHit: false };
  }
  return await loadCompiled(engine, model, {
    folder: spec.compiledCacheFolder,
    modelDigest,
    compiledDigest: spec.compiledDigest,
    session,
  });
}

/** ONNX Runtime reads the file whole and keeps nothing of it, so one look once it has loaded is enough. */
async function loadFile(
  engine: Engine,
  folder: string,
  { model, opened }: Omit<Verified, 'weights'>,
  options: SessionOptions,
): Promise<CompiledLoad> {
  const name = opened.manifest.model.file;
  giveBack(model);
  const session = await engine.load({ file: join(folder, name) }, options);
  try {
    await checkMarks(folder, opened, [name]);
  } catch (error) {
    await session.close();
    throw error;
  }
  return { session, cacheHit: false };
}

async function checkMarks(folder: string, { marks }: OpenedPackage, names: readonly string[]): Promise<void> {
  for (const name of names) await checkUnchanged(join(folder, name), name, marks.get(name) ?? '');
}

function reportOf(
  { manifest, digest, signature }: OpenedPackage,
  { session, compiledDigest, cacheHit }: Omit<CompiledLoad, 'session'> & { session: Signature },
  measured: Pick<LoadReport, 'verifyMs' | 'loadMs' | 'samplesRun'>,
): Omit<LoadReport, 'confinement'> {
  return {
    digest,
    name: manifest.name,
    version: manifest.version,
    inputs: session.inputs,
    outputs: session.outputs,
    manifest: asJson(manifest),
    signature,
    ...measured,
    ...(compiledDigest === undefined ? {} : { compiledDigest }),
    cacheHit,
  };
}

function asJson(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
