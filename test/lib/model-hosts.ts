import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor, WireTensor } from '../../src/contract/mod.js';
import { silentLogger, type Logger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import {
  completeManifest,
  encodeSamples,
  writePackage,
  type CaptureDefaults,
  type GoldenSample,
  type Manifest,
  type NewFile,
  type TensorSpec,
  type Tolerance,
} from '../../src/model/mod.js';
import type { CaptureRecord } from '../../src/capture/mod.js';
import { createModelHosts, type SpawnDetails } from '../../src/runtime/host/mod.js';
import {
  toHostTensor,
  type HostFolders,
  type HostSettings,
  type HostTensor,
  type LoadSpec,
  type ModelHosts,
  type RunRequest,
} from '../../src/runtime/host/port/mod.js';
import { patientMs } from './patience.js';
import { shippedScript } from './shipped.js';
import { floatsOf } from './tensors.js';

/** The bundled entry points of model hosts. */
export async function hostScripts(): Promise<SpawnDetails> {
  return {
    entry: await shippedScript('org.edgemanager.AgentRuntime', 'model-host'),
    launcher: await shippedScript('org.edgemanager.AgentRuntime', 'host-launcher.cjs'),
  };
}

/** What hosts are given of a test's own folder. */
export function hostFolders(folder: string): HostFolders {
  return {
    packages: folder,
    compiled: join(folder, 'cache'),
    exchange: [join(folder, 'exchange')],
    empty: join(folder, 'empty'),
  };
}

const USUAL = { irVersion: 8, opset: 17, domains: [{ domain: 'ai.onnx', version: 17 }] };

export interface TestPackage {
  readonly name: string;
  readonly version?: string;
  readonly model: Uint8Array;
  /** Files of weights by name. */
  readonly weights?: Readonly<Record<string, Uint8Array>>;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** What the model's bytes say of it; without it, what hardly matters to a test. */
  readonly facts?: Pick<Manifest['model'], 'irVersion' | 'opset' | 'domains'>;
  readonly samples?: readonly GoldenSample[];
  readonly tolerance?: Tolerance;
  readonly capture?: CaptureDefaults;
}

/** A folder for packages, exchange files and caches, with model hosts on it; dispose it after the test. */
export class HostBench implements AsyncDisposable {
  readonly hosts: ModelHosts;
  readonly folder: string;
  /** What the hosts have sampled until now. */
  readonly sampled: readonly CaptureRecord[];

  private constructor(folder: string, hosts: ModelHosts, sampled: readonly CaptureRecord[]) {
    this.folder = folder;
    this.hosts = hosts;
    this.sampled = sampled;
  }

  static async create(
    settings: Partial<HostSettings> = {},
    scripts?: SpawnDetails,
    logger: Logger = silentLogger,
  ): Promise<HostBench> {
    const folder = await mkdtemp(join(tmpdir(), 'edge-hosts-'));
    const sampled: CaptureRecord[] = [];
    const hosts = createModelHosts(
      {
        isolation: 'model',
        profile: 'efficient',
        threadBudget: 2,
        loadTimeoutMs: patientMs(20_000),
        confinement: 'if-possible',
        folders: hostFolders(folder),
        ...settings,
      },
      {
        spawn: scripts ?? (await hostScripts()),
        clock: systemClock,
        random: systemRandom,
        logger,
        sampled: (record) => sampled.push(record),
      },
    );
    return new HostBench(folder, hosts, sampled);
  }

  /** Writes a package and says how to load it. */
  async package(given: TestPackage): Promise<LoadSpec> {
    const version = given.version ?? '1.0.0';
    return specOf(`${given.name}@${version}`, await writeTestPackage(this.folder, given));
  }

  async exchangeFolder(): Promise<string> {
    const folder = join(this.folder, 'exchange');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosts.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }
}

/** How a package is loaded whose signature does not matter: one thread, one run at a time, its samples checked. */
export function specOf(key: string, folder: string): LoadSpec {
  const trust = { policy: 'if-present', keys: [] } as const;
  return { key, folder, trust, threads: 1, concurrency: 1, runSamples: true };
}

/** Writes a package folder `<name>-<version>`, and gives its path. */
export async function writeTestPackage(parent: string, given: TestPackage): Promise<string> {
  const version = given.version ?? '1.0.0';
  const folder = join(parent, `${given.name}-${version}`);
  const files: NewFile[] = [{ path: 'model.onnx', role: 'model', bytes: given.model }];
  for (const [path, bytes] of Object.entries(given.weights ?? {}))
    files.push({ path, role: 'weights', bytes });
  if (given.samples !== undefined) {
    files.push({ path: 'samples.json', role: 'samples', bytes: encodeSamples(given.samples) });
  }
  const manifest = completeManifest(
    {
      formatVersion: 1,
      name: given.name,
      version,
      componentName: `org.edgemanager.model.${given.name}`,
      target: 'any',
      minimumRuntimeVersion: '0.1.0',
      model: { file: 'model.onnx', ...(given.facts ?? USUAL) },
      inputs: [...given.inputs],
      outputs: [...given.outputs],
      ...(given.samples === undefined
        ? {}
        : {
            samples: {
              file: 'samples.json',
              count: given.samples.length,
              tolerance: given.tolerance ?? { absolute: 1e-5, relative: 1e-4 },
            },
          }),
      ...(given.capture === undefined ? {} : { capture: given.capture }),
      selfTest: { outcome: 'skipped' },
    },
    files,
  );
  await writePackage(folder, manifest, files, systemRandom);
  return folder;
}

export function runRequest(inputs: readonly HostTensor[], rest: Partial<RunRequest> = {}): RunRequest {
  return {
    inputs,
    capture: { mode: 'policies', captureId: 'capture-1', clockSynchronised: true },
    ...rest,
  };
}

/** Children, our own by default, that are model hosts, in Node or in Python. */
export async function hostPids(parent = process.pid): Promise<number[]> {
  const tasks = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8');
  const pids = tasks.trim().split(' ').filter(Boolean).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => /model-host|python-host/.test(lines[index] ?? ''));
}

/** A tensor as an app would send it, decoded. */
export function hostTensor(wire: Tensor | WireTensor): HostTensor {
  return 'data' in wire && wire.data instanceof Uint8Array
    ? { ...wire, data: wire.data }
    : toHostTensor({ ...wire, shape: [...wire.shape] } as WireTensor, wire.name);
}

/** An output that came inline. */
export function inlineOutput(output: HostTensor): Tensor {
  assert.ok('data' in output);
  return output;
}

/** The floats of an inline output. */
export function outputFloats(output: HostTensor | undefined): number[] {
  assert.ok(output !== undefined && 'data' in output);
  return floatsOf(output);
}
