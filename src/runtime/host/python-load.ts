import type { Tensor } from '../../contract/mod.js';
import { EdgeError, validate, type Clock } from '../../core/mod.js';
import { basename } from '../../disk/mod.js';
import { ManifestSchema, readOnce, type Tolerance } from '../../model/mod.js';
import type { VerifiedLoad } from './dialogue.js';
import { runSamples } from './golden/mod.js';
import type { HostProcess } from './host-process.js';
import {
  CPU_PROVIDER,
  type LoadReport,
  type LoadSpec,
  type Provider,
  type PythonModel,
  type VerifiedPackage,
} from './port/mod.js';

/** What a provider that is not the CPU may differ by: half floats, TF32 and sums in another order. */
const PROVIDER_TOLERANCE: Tolerance = { absolute: 2e-3, relative: 2e-3 };
/** Outputs of one sample. */
const SAMPLE_MOST_BYTES = 32 * 1024 * 1024;

/** What a load in Python needs beside the package. */
export interface PythonLoad {
  readonly process: HostProcess;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Gives the process the load. */
  readonly load: (order: VerifiedLoad) => Promise<LoadReport>;
}

/**
 * Loads a verified package into a host in Python, and proves it by its golden samples: each time, as the device's
 * wheel, driver and accelerator change without the agent.
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export async function loadInPython(
  spec: LoadSpec,
  verified: VerifiedPackage,
  { providers, requireProvider }: PythonModel,
  { process, clock, timeoutMs, load }: PythonLoad,
): Promise<LoadReport> {
  const begunMs = clock.monotonicMs();
  const report = await load({ ...verified, providers: withCpu(providers) });
  checkProvider(report, requireProvider);
  const leftMs = Math.max(1, timeoutMs - (clock.monotonicMs() - begunMs));
  const samplesRun = await provenBy(process, spec, verified, report, leftMs);
  return { ...report, samplesRun };
}

function withCpu(providers: readonly Provider[]): readonly Provider[] {
  if (providers.some(({ name }) => name === CPU_PROVIDER)) return providers;
  return [...providers, { name: CPU_PROVIDER, options: {} }];
}

/** @throws EdgeError FAILED_PRECONDITION (ENGINE_MISSING) where the wanted one computes nothing */
function checkProvider({ engine }: LoadReport, wanted: string | undefined): void {
  if (wanted === undefined || engine === undefined) return;
  const computes = engine.nodes === undefined ? engine.provider === wanted : (engine.nodes[wanted] ?? 0) > 0;
  if (computes) return;
  const why = engine.missing?.[wanted] ?? `${engine.provider} takes all of its graph`;
  throw new EdgeError('ENGINE_MISSING', `Cannot load the model as ${wanted} must compute it: ${why}`, {
    nextStep:
      "Install what the provider needs (docs/engines.md), or leave 'requireProvider' out, and the CPU computes",
  });
}

/** By the control process: samples are few and small, and there is no third process to ask. */
async function provenBy(
  process: HostProcess,
  spec: LoadSpec,
  verified: VerifiedPackage,
  { manifest, engine }: LoadReport,
  timeoutMs: number,
): Promise<number> {
  const { samples } = validate(ManifestSchema, manifest, 'Cannot read the manifest');
  const onCpu = engine === undefined || engine.provider === CPU_PROVIDER;
  return await runSamples(
    { run: async (inputs) => await runInline(process, spec, inputs, timeoutMs) },
    {
      samples:
        samples === undefined || onCpu ? samples : { ...samples, tolerance: looser(samples.tolerance) },
      files: await readSamples(verified),
    },
    true,
  );
}

async function readSamples({ samples }: VerifiedPackage): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { path, sha256, byteSize } of samples) {
    const name = basename(path);
    const read = await readOnce(path, name, { keep: true, maxBytes: byteSize, hardLinks: true });
    if (read.bytes === undefined || read.sha256 !== sha256)
      throw new EdgeError('PACKAGE_CHANGED', `Cannot load the model as ${name} has changed`, { field: name });
    files.set(name, read.bytes);
  }
  return files;
}

async function runInline(
  process: HostProcess,
  { key }: LoadSpec,
  inputs: readonly Tensor[],
  timeoutMs: number,
): Promise<Tensor[]> {
  const capture = { mode: 'never', captureId: '', clockSynchronised: false } as const;
  const request = { inputs, maxInlineBytes: SAMPLE_MOST_BYTES, capture };
  const { outputs } = await process.run(key, request, timeoutMs);
  return outputs.map((tensor) => {
    if ('data' in tensor) return tensor;
    throw new EdgeError('INTERNAL', 'Cannot compare outputs that lie in a file');
  });
}

function looser({ absolute, relative }: Tolerance): Tolerance {
  return {
    absolute: Math.max(absolute, PROVIDER_TOLERANCE.absolute),
    relative: Math.max(relative, PROVIDER_TOLERANCE.relative),
  };
}
