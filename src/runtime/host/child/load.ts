import { isJsonObject, toEdgeError, type Clock, type JsonObject, EdgeError } from '../../../core/mod.js';
import { checkModelBytes } from '../../../onnx/mod.js';
import type { Engine, EngineSession, SessionOptions } from '../../../engine/mod.js';
import type { Reason } from '../../../contract/mod.js';
import {
  mismatchOf,
  modelDigestOf,
  openPackage,
  parseSamples,
  type OpenedPackage,
} from '../../../model/mod.js';
import type { LoadReport, LoadSpec } from '../port/mod.js';
import { loadCompiled, type CompiledLoad } from './compiled-cache.js';
import { checkSignature } from './signature.js';

export interface LoadedModel {
  readonly session: EngineSession;
  readonly report: Omit<LoadReport, 'confinement'>;
}

/**
 * From a package's folder to a session that may serve: verified, guarded, compiled, of the promised signature,
 * and right on its golden samples. The bytes that were verified are the bytes that ONNX Runtime gets.
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export async function loadPackage(
  engine: Engine,
  spec: LoadSpec,
  allowSpinning: boolean,
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<LoadedModel> {
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
  const graph = checkModelBytes(model);
  const loaded = await loadSession(engine, spec, model, opened, {
    intraOpThreads: spec.threads,
    allowSpinning,
  });
  try {
    // What was checked is what ONNX Runtime loaded, and what the package promises: three accounts of one model.
    checkSignature(graph, loaded.session, 'the checked graph says');
    checkSignature(opened.manifest, loaded.session, 'the manifest says');
    const samplesRun = await runSamples(loaded.session, opened, spec.runSamples);
    return {
      session: loaded.session,
      report: reportOf(opened, loaded, {
        verifyMs: verifiedMs - begunMs,
        loadMs: clock.monotonicMs() - verifiedMs,
        samplesRun,
      }),
    };
  } catch (error) {
    await loaded.session.close();
    throw error;
  }
}

async function loadSession(
  engine: Engine,
  spec: LoadSpec,
  model: Uint8Array,
  { manifest }: OpenedPackage,
  session: SessionOptions,
): Promise<CompiledLoad> {
  const modelDigest = modelDigestOf(manifest);
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

/** Runs the golden samples; where they need not be checked again, the first one still warms the session up. */
async function runSamples(session: EngineSession, opened: OpenedPackage, check: boolean): Promise<number> {
  const { samples } = opened.manifest;
  const bytes = samples === undefined ? undefined : opened.files.get(samples.file);
  if (samples === undefined || bytes === undefined) return 0;
  const cases = parseSamples(bytes);
  for (const sample of check ? cases : cases.slice(0, 1)) {
    const outputs = await session.run(sample.inputs).catch((error: unknown) => {
      throw refused(
        'PACKAGE_REFUSED_SAMPLES',
        `golden sample '${sample.name}' can't be run: ${toEdgeError(error).message}`,
        samples.file,
        error,
      );
    });
    const mismatch = check ? mismatchOf(sample.outputs, outputs, samples.tolerance) : undefined;
    if (mismatch !== undefined)
      throw refused(
        'PACKAGE_REFUSED_SAMPLES',
        `golden sample '${sample.name}' differs: ${mismatch}`,
        samples.file,
      );
  }
  return check ? cases.length : 0;
}

function reportOf(
  { manifest, digest, signature }: OpenedPackage,
  { session, compiledDigest, cacheHit }: CompiledLoad,
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

function refused(reason: Reason, sentence: string, field: string, cause?: unknown): EdgeError {
  return new EdgeError(reason, `Cannot load the model as ${sentence}`, { field, cause });
}
