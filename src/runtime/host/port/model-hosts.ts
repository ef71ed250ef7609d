import type { FileRegion, TensorMetadata } from '../../../contract/mod.js';
import type { HostTensor } from './host-tensor.js';
import type { JsonObject } from '../../../core/mod.js';
import type { Confinement } from '../confinement/mod.js';
import type { PackageSignature, PackageTrust } from '../../../model/mod.js';

/**
 * The seam between the agent (what should serve) and the model hosts (processes that can be killed).
 * The agent never touches onnxruntime or tensor bytes; the hosts know nothing of names, labels and versions.
 */
export interface HostSettings {
  /** One process per model, or one for all (small devices). */
  readonly isolation: 'model' | 'shared';
  /** `latency` lets ONNX Runtime's threads spin. */
  readonly profile: 'efficient' | 'latency';
  /** Sum of intra-op threads over all models. */
  readonly threadBudget: number;
  /** A host that outgrows this is killed; undefined: no limit. */
  readonly maxHostBytes?: number;
  readonly loadTimeoutMs: number;
  /** Whether hosts give up the rights that they have no use for; `required`: none that can't loads a model. */
  readonly confinement: 'if-possible' | 'required' | 'off';
  readonly folders: HostFolders;
  /** Whether a host is started ahead for whichever model loses its own; default: none. With `isolation: model` only. */
  readonly spareHost?: boolean;
  /** Engines other than the agent's own; absent: none. */
  readonly engines?: EngineSettings;
}

/** Computes on each machine. */
export const CPU_PROVIDER = 'CPUExecutionProvider';

/** An execution provider of ONNX Runtime, with its options as ONNX Runtime takes them. */
export interface Provider {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Which models run in the device's own Python, and on what. */
export interface EngineSettings {
  /** A program in PATH, or an absolute path. */
  readonly interpreter: string;
  readonly models: Readonly<Record<string, PythonModel>>;
}

export interface PythonModel {
  /** In order of preference; the CPU comes last in any case. */
  readonly providers: readonly Provider[];
  /** A load on which this one computes nothing is refused. */
  readonly requireProvider?: string | undefined;
}

/** What hosts are given of the disk. Absolute. */
export interface HostFolders {
  /** The agent's copies of packages. */
  readonly packages: string;
  /** Parent of the folders of compiled graphs. */
  readonly compiled: string;
  /** Parents of the callers' exchange folders. */
  readonly exchange: readonly string[];
  /** For empty folders, one a host, in which it runs. */
  readonly empty: string;
}

/** A model package as a host should load it. The host verifies signature and every digest from the bytes it gives to ONNX Runtime. */
export interface LoadSpec {
  /** Unique among loaded models: `<name>@<version>`. */
  readonly key: string;
  readonly folder: string;
  /** It is the agent's own copy, which nobody else changes: what is large may be given to ONNX Runtime by its path. */
  readonly isCopy?: boolean;
  /** SHA-256 of the manifest that the registry holds; absent at first admission. */
  readonly expectedDigest?: string;
  readonly trust: PackageTrust;
  readonly threads: number;
  /** Requests that may run at once in the host's queue for this model (sessions run one after another). */
  readonly concurrency: number;
  /** Folder for graphs compiled for this CPU; absent: no cache. The host names the file by model digest, ORT version and CPU features. */
  readonly compiledCacheFolder?: string;
  /** SHA-256 of the compiled file as the registry holds it; a mismatch compiles again. */
  readonly compiledDigest?: string;
  /** Runs the package's golden samples after load, and fails the load where they differ. */
  readonly runSamples: boolean;
  /** Capture policies and redaction in force; empty: no capture. */
  readonly capture?: JsonObject;
  /** What its host may take while it loads; absent: as much as hosts may. */
  readonly loadLimitBytes?: number;
  /** Wall time, for a package's expiry and its certificates' dates; absent while the clock is not synchronised: neither counts. */
  readonly nowMs?: number;
}

export interface RunRequest {
  /** Who asks: told where the run ends its host, and of no other meaning. */
  readonly caller?: string;
  readonly inputs: readonly HostTensor[];
  readonly outputs?: readonly string[];
  /** The caller's exchange folder for `file` tensors; absent: files are refused. */
  readonly exchangeFolder?: string;
  readonly outputFile?: FileRegion;
  /** Outputs up to this many raw bytes in sum go inline; default: what fits into a message. */
  readonly maxInlineBytes?: number;
  /** The host decides nothing of captures, and gives the whole inference to who asked. */
  readonly handOver?: boolean;
  /** Nobody wants the outputs: only how the run goes. */
  readonly blind?: boolean;
  readonly capture: {
    readonly mode: 'policies' | 'always' | 'never';
    readonly captureId: string;
    readonly clockSynchronised: boolean;
  };
}

export interface RunResult {
  readonly outputs: readonly HostTensor[];
  readonly runMs: number;
  /** True where an output holds NaN or an infinity, and no input does; for probation. */
  readonly nonFinite: boolean;
  /** Whether this request was sampled, or may be once the outputs have been looked at. */
  readonly captured: 'yes' | 'maybe' | 'no';
}

export interface LoadReport {
  readonly digest: string;
  readonly name: string;
  readonly version: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly manifest: JsonObject;
  readonly signature: PackageSignature;
  readonly verifyMs: number;
  readonly loadMs: number;
  readonly samplesRun: number;
  readonly compiledDigest?: string;
  readonly cacheHit: boolean;
  readonly confinement: Confinement;
  /** Absent: the agent's own ONNX Runtime, on the CPU. */
  readonly engine?: EngineReport;
}

/** What a model runs on. */
export interface EngineReport {
  readonly language: string;
  readonly version: string;
  /** The execution provider that computes most of the graph. */
  readonly provider: string;
  /** Nodes of the graph by provider, where ONNX Runtime tells. */
  readonly nodes?: Readonly<Record<string, number>>;
  /** Wanted providers that compute nothing here, with why. */
  readonly missing?: Readonly<Record<string, string>>;
}

/** A file of a package as it was verified. */
export interface VerifiedFile {
  readonly path: string;
  readonly sha256: string;
  readonly byteSize: number;
}

/** A package that was verified for a host which can't do that itself. */
export interface VerifiedPackage {
  readonly report: LoadReport;
  readonly model: VerifiedFile;
  readonly weights: readonly VerifiedFile[];
  /** What the golden samples are in. */
  readonly samples: readonly VerifiedFile[];
}

/** Why a host process ended. */
export interface HostExit {
  readonly kind: 'closed' | 'crashed' | 'killed-deadline' | 'killed-memory';
  readonly sentence: string;
  /** Who had asked for the run that the process was at; absent: it was at none. */
  readonly caller?: string;
}

/** A model in a host. Requests beyond `concurrency` wait in the agent's scheduler, never here. */
export interface HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  /**
   * @param deadlineMs milliseconds from now; a run that exceeds it kills the host and rejects with DEADLINE_EXCEEDED.
   * Rejects with HostLostError where the host died under it for another reason.
   */
  run(request: RunRequest, deadlineMs: number): Promise<RunResult>;
  /** PSS of the model's host, bytes (shared hosts: of the whole process). Not delayed by runs. */
  measureBytes(): Promise<number>;
  setCapture(capture: JsonObject | undefined): Promise<void>;
  /**
   * What the host may take from now on where the settings name no limit; a shared one may take what its models may in
   * sum. Undefined: no limit.
   */
  limitMemory(bytes: number | undefined): Promise<void>;
  /** Waits for running requests, then ends the session (and the process where it is the model's own). */
  unload(): Promise<void>;
  /** Resolves when the model's process has ended, wanted or not. */
  readonly gone: Promise<HostExit>;
}

/** All hosts. The only way to a session. What they sample goes into the sink that they were made with. */
export interface ModelHosts extends AsyncDisposable {
  /**
   * Starts (or reuses, where shared) a host, verifies, compiles, loads and tests the package in it.
   * Rejects with FAILED_PRECONDITION (package refused; reason in the sentence), RESOURCE_EXHAUSTED (memory),
   * DEADLINE_EXCEEDED (loadTimeoutMs), or UNAVAILABLE where the load killed the host.
   */
  load(spec: LoadSpec): Promise<HostedModel>;
  readonly restarts: number;
  /** Of the host that loaded a model last; undefined before. */
  readonly confinement: Confinement | undefined;
  /** PSS of the host that waits for a model to lose its own, bytes; undefined: there is none, or it has just started. */
  readonly spareBytes?: number | undefined;
  close(): Promise<void>;
}
