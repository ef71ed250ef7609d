import type { CaptureRecord, CaptureSink } from '../../capture/mod.js';
import { deferred, EdgeError, type Deferred, type JsonObject } from '../../core/mod.js';
import type { TensorMetadata } from '../../contract/mod.js';
import { FrameReader, type Frame } from '../../framing/mod.js';
import {
  CPU_PROVIDER,
  type LoadReport,
  type LoadSpec,
  type Provider,
  type RunRequest,
  type RunResult,
  type VerifiedPackage,
} from './port/mod.js';
import { checkResult } from './check-result.js';
import {
  CaptureOrder,
  checkProtocol,
  controlHello,
  decodeCaptured,
  decodeControl,
  decodeFailed,
  decodeResult,
  encodeBare,
  encodeControl,
  encodeRun,
  EngineLoaded,
  HostHello,
  KIND,
  LoadedReport,
  LoadOrder,
  MOST_FRAME_BYTES,
  Nothing,
  UnloadOrder,
  VerifiedReport,
  type Verified,
} from './protocol/mod.js';

/** What is asked of a host. */
export type HostRequest =
  | {
      readonly type: 'load';
      readonly spec: LoadSpec;
      readonly allowSpinning: boolean;
      /** Refused in a host that is not held to its own files. */
      readonly onlyConfined: boolean;
      /** For a host in another language, which can't open the package. */
      readonly verified?: VerifiedLoad;
    }
  | { readonly type: 'verify'; readonly spec: LoadSpec }
  | {
      readonly type: 'run';
      readonly key: string;
      readonly request: RunRequest;
      /** CLOCK_MONOTONIC. */
      readonly deadlineUs: number;
    }
  | { readonly type: 'capture'; readonly key: string; readonly capture: JsonObject | undefined }
  | { readonly type: 'unload'; readonly key: string };

/** A verified package, and what is to compute it. */
export interface VerifiedLoad extends VerifiedPackage {
  readonly providers: readonly Provider[];
}

export type HostAnswer = LoadReport | VerifiedPackage | RunResult | undefined;

/** A request that the host has not answered yet. */
export interface OpenRequest {
  readonly id: number;
  readonly request: HostRequest;
  readonly answer: Deferred<HostAnswer>;
  /** Called once, when it is answered or nobody will answer it. */
  readonly settled: () => void;
  /** Its deadline has passed and its caller been answered. */
  late: boolean;
}

interface Loaded {
  readonly handle: number;
  readonly report: LoadReport;
}

/** A host said what no host says: it is ended at once, whatever it was at. */
export class BrokenHost extends Error {}
/** A host said that it can't serve at all. */
export class UnfitHost extends Error {
  override readonly cause: EdgeError;

  constructor(cause: EdgeError) {
    super(cause.message);
    this.cause = cause;
  }
}

/**
 * What is said to one host and what may be heard from it; knows nothing of processes.
 *
 * A host is another program, which runs what strangers made. Nothing of it is believed that does not follow from
 * what it was asked: each answer is held against the oldest open request, each record against the run before it.
 */
export class HostDialogue {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #sampled: CaptureSink;
  readonly #reader = new FrameReader(MOST_FRAME_BYTES);
  /** The oldest first: that is what the host is at. */
  readonly #open = new Map<number, OpenRequest>();
  readonly #loaded = new Map<string, Loaded>();
  /** Handles of loads that are open. */
  readonly #loading = new Map<number, number>();
  /** The run that was answered last, while a record of it may come. */
  #recordable: { readonly captureId: string; readonly report: LoadReport } | undefined;
  #hello: HostHello | undefined;
  #lastId = 0;
  #lastHandle = 0;

  constructor(write: (bytes: Uint8Array) => void, sampled: CaptureSink) {
    this.#write = write;
    this.#sampled = sampled;
    write(controlHello());
  }

  get head(): OpenRequest | undefined {
    for (const open of this.#open.values()) return open;
    return undefined;
  }

  get open(): Iterable<OpenRequest> {
    return this.#open.values();
  }

  /** @throws EdgeError where the request can't be said; then nothing is open */
  ask(request: HostRequest, settled: () => void): OpenRequest {
    const id = this.#nextId();
    const bytes = this.#encoded(id, request);
    if (bytes.length > MOST_FRAME_BYTES) throw tooLarge(bytes.length);
    const open: OpenRequest = { id, request, answer: deferred<HostAnswer>(), settled, late: false };
    this.#open.set(id, open);
    this.#write(bytes);
    return open;
  }

  /** Nobody waits for it any more; where its turn has not come, the host answers without doing it. */
  cancel({ id }: OpenRequest): void {
    if (this.#open.has(id)) this.#write(encodeBare(KIND.cancel, id));
  }

  /** It may end once it has answered what is before. */
  stop(): void {
    this.#write(encodeBare(KIND.stop, 0));
  }

  /** Takes what the host wrote. @throws BrokenHost or UnfitHost */
  hear(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (thrown) {
      if (thrown instanceof EdgeError) throw new BrokenHost(thrown.message, { cause: thrown });
      throw thrown;
    }
  }

  /** All that is open, which nobody will answer now. */
  end(): readonly OpenRequest[] {
    const left = [...this.#open.values()];
    this.#open.clear();
    for (const { settled } of left) settled();
    return left;
  }

  #nextId(): number {
    // 32 bits; the ids of those that are open are few and behind.
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    return this.#lastId;
  }

  #encoded(id: number, request: HostRequest): Buffer {
    switch (request.type) {
      case 'run': {
        const { request: run, deadlineUs } = request;
        return encodeRun(id, { handle: this.#handleOf(request.key), deadlineUs, request: run });
      }
      case 'load':
        return this.#encodedLoad(id, request);
      case 'capture': {
        const capture = request.capture === undefined ? {} : { capture: request.capture };
        return encodeControl(KIND.capture, id, CaptureOrder, {
          handle: this.#handleOf(request.key),
          ...capture,
        });
      }
      case 'verify': {
        const { spec } = request;
        const order = { handle: 1, key: spec.key, onlyConfined: false, allowSpinning: false };
        return encodeControl(KIND.load, id, LoadOrder, { ...order, package: spec, verifyOnly: true });
      }
      case 'unload':
        return encodeControl(KIND.unload, id, UnloadOrder, { handle: this.#handleOf(request.key) });
    }
  }

  #encodedLoad(id: number, { spec, allowSpinning, onlyConfined, verified }: LoadRequest): Buffer {
    const handle = ++this.#lastHandle;
    const order = { handle, key: spec.key, onlyConfined, allowSpinning };
    const what = verified === undefined ? { package: spec } : { verified: verifiedOf(verified, spec) };
    const bytes = encodeControl(KIND.load, id, LoadOrder, { ...order, ...what });
    this.#loading.set(id, handle);
    return bytes;
  }

  #handleOf(key: string): number {
    const loaded = this.#loaded.get(key);
    if (loaded !== undefined) return loaded.handle;
    throw new EdgeError('MODEL_HOST_DIED', `Cannot use ${key} as it is not loaded here`);
  }

  #take(frame: Frame): void {
    if (this.#hello === undefined) return this.#greet(frame);
    if (frame.kind === KIND.captured) return this.#capture(frame);
    this.#recordable = undefined;
    const open = this.head;
    if (open === undefined || open.id !== frame.id) {
      throw new BrokenHost(
        `it answered request ${frame.id}: ${open === undefined ? 'none was open' : `the oldest open one is ${open.id}`}`,
      );
    }
    const settle = this.#settled(frame, open);
    this.#open.delete(open.id);
    open.settled();
    settle();
  }

  /** Reads the whole answer first: where it is broken, the request is still open. */
  #settled(frame: Frame, open: OpenRequest): () => void {
    const { request, answer } = open;
    if (frame.kind === KIND.failed) {
      const error = decodeFailed(frame);
      this.#loading.delete(open.id);
      return () => answer.reject(error);
    }
    const wanted = request.type === 'run' ? KIND.result : KIND.done;
    if (frame.kind !== wanted)
      throw new BrokenHost(`it answered a ${request.type} by a frame of kind ${frame.kind}`);
    switch (request.type) {
      case 'run': {
        const result = this.#result(frame, request);
        return () => answer.resolve(result);
      }
      case 'load': {
        const report = this.#report(frame, open.id, request);
        return () => answer.resolve(report);
      }
      case 'verify': {
        const verified = decodeControl(VerifiedReport, frame);
        const report = { ...verified.report, confinement: NO_CONFINEMENT };
        return () => answer.resolve({ ...verified, report });
      }
      case 'unload':
        this.#loaded.delete(request.key);
        decodeControl(Nothing, frame);
        return () => answer.resolve(undefined);
      case 'capture':
        decodeControl(Nothing, frame);
        return () => answer.resolve(undefined);
    }
  }

  #result(frame: Frame, { key, request }: RunHostRequest): RunResult {
    const result = decodeResult(frame);
    const report = this.#loaded.get(key)?.report;
    if (report === undefined) throw new BrokenHost(`it ran ${key}, which it does not hold`);
    checkResult(result, request, report);
    if (result.captured !== 'no') this.#recordable = { captureId: request.capture.captureId, report };
    return result;
  }

  #report(frame: Frame, id: number, { spec, verified }: LoadRequest): LoadReport {
    const { confinement } = this.#hello ?? { confinement: NO_CONFINEMENT };
    const loaded =
      verified === undefined ? decodeControl(LoadedReport, frame) : this.#engineReport(frame, verified);
    const report = { ...loaded, confinement };
    this.#loaded.set(spec.key, { handle: this.#loading.get(id) ?? 0, report });
    this.#loading.delete(id);
    return report;
  }

  /** What the verification found, with what this host's engine adds. */
  #engineReport(frame: Frame, { report }: VerifiedLoad): LoadReport {
    const { loadMs, cacheHit, provider = CPU_PROVIDER, nodes, missing } = decodeControl(EngineLoaded, frame);
    const engine = {
      language: this.#hello?.language ?? 'unknown',
      version: this.#hello?.engineVersion ?? 'unknown',
      provider,
      ...(nodes === undefined ? {} : { nodes }),
      ...(missing === undefined ? {} : { missing }),
    };
    return { ...report, loadMs, cacheHit, engine };
  }

  #greet(frame: Frame): void {
    if (frame.kind === KIND.failed && frame.id === 0) throw new UnfitHost(decodeFailed(frame));
    if (frame.kind !== KIND.hostHello)
      throw new BrokenHost(`its first frame must be a hello: kind is ${frame.kind}`);
    const hello = decodeControl(HostHello, frame);
    checkProtocol(hello.protocol);
    this.#hello = hello;
  }

  #capture(frame: Frame): void {
    const allowed = this.#recordable;
    this.#recordable = undefined;
    if (allowed === undefined) throw new BrokenHost('it sent a record of no run');
    const record = decodeCaptured(frame);
    if (!isRecordOf(record, allowed.captureId, allowed.report))
      throw new BrokenHost(`it sent a record of another run than the one before it`);
    this.#sampled(record);
  }
}

export type RunHostRequest = Extract<HostRequest, { type: 'run' }>;
type LoadRequest = Extract<HostRequest, { type: 'load' }>;

function verifiedOf({ report, model, weights, providers }: VerifiedLoad, { threads }: LoadSpec): Verified {
  const { digest, name, version } = report;
  const forms = (tensors: readonly TensorMetadata[]): Verified['inputs'] =>
    tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape] }));
  return {
    digest,
    name,
    version,
    model,
    threads,
    weights: [...weights],
    inputs: forms(report.inputs),
    outputs: forms(report.outputs),
    providers: providers.map((one) => ({ name: one.name, options: { ...one.options } })),
  };
}

const NO_CONFINEMENT = { phrase: 'unknown', isHeld: false };

function tooLarge(byteSize: number): EdgeError {
  return new EdgeError(
    'FRAME_TOO_LARGE',
    `Cannot give the request to a model host as it must have at most ${MOST_FRAME_BYTES} bytes: current size is ${byteSize}`,
    { field: 'inputs', nextStep: 'Give large tensors by file' },
  );
}

function isRecordOf(
  { captureId, model, modelVersion, packageDigest }: CaptureRecord,
  ofRun: string,
  { name, version, digest }: LoadReport,
): boolean {
  return captureId === ofRun && model === name && modelVersion === version && packageDigest === digest;
}
