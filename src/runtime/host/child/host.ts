import type { Tensor } from '../../../contract/mod.js';
import { EdgeError, messageOf, SerialQueue, type Clock, type Random } from '../../../core/mod.js';
import type { Engine } from '../../../engine/mod.js';
import type { Frame } from '../../../framing/mod.js';
import type { Confinement } from '../confinement/mod.js';
import type { LoadReport, LoadSpec } from '../port/mod.js';
import {
  CaptureOrder,
  checkProtocol,
  ControlHello,
  decodeControl,
  decodeRun,
  encodeCaptured,
  encodeControl,
  encodeFailed,
  encodeResult,
  hostHello,
  KIND,
  LoadedReport,
  LoadOrder,
  MemoryReport,
  MOST_FRAME_BYTES,
  Nothing,
  UnloadOrder,
  VerifiedReport,
  type RunOrder,
} from '../protocol/mod.js';
import { hasNonFinite } from './non-finite.js';
import { checkOutputRoom, readInputs, writeOutputs } from './run-tensors.js';
import { ModelCapture, type Inference } from '../sampling/mod.js';
import { loadPackage, verifyPackage, type LoadedModel } from './load.js';

export interface HostDependencies {
  readonly engine: () => Promise<Engine>;
  readonly clock: Clock;
  /** CLOCK_MONOTONIC, shared with the control process, in microseconds. */
  readonly sharedNowUs: () => number;
  readonly random: Random;
  /** To the control process. */
  readonly write: (bytes: Uint8Array) => void;
  /** To the log. */
  readonly tell: (line: string) => void;
  /** Ends this process when all that was written is on its way. */
  readonly end: (exitCode: number) => void;
  readonly confinement: Confinement;
  /** The name and version of what runs this. */
  readonly language: string;
}

interface Hosted extends Pick<LoadedModel, 'session' | 'checkFiles'> {
  readonly report: LoadReport;
  readonly capture: ModelCapture;
}

/**
 * What a model host process does. One request after the other: ONNX Runtime blocks the thread anyway, so there is
 * nothing to win by overlap, and order is what lets the control process know which run is on.
 */
export class ModelHost {
  readonly #models = new Map<number, Hosted>();
  readonly #use: HostDependencies;
  readonly #turns = new SerialQueue();
  /** Requests whose turn has not come. */
  readonly #waiting = new Set<number>();
  readonly #cancelled = new Set<number>();
  #engine: Engine | undefined;

  constructor(dependencies: HostDependencies) {
    this.#use = dependencies;
  }

  /** Loads the engine and says hello; without one, says why and ends. */
  begin(): void {
    const { engine, confinement, language, write, end } = this.#use;
    void this.#turns.run(async () => {
      try {
        this.#engine = await engine();
        write(hostHello({ engineVersion: this.#engine.version, language, confinement }));
      } catch (error) {
        write(encodeFailed(0, error, 'Cannot start the inference engine'));
        end(1);
      }
    });
  }

  /**
   * Takes a frame; what answers it is written when all earlier ones are answered.
   * @throws EdgeError where control process and host do not fit together
   */
  accept(frame: Frame): void {
    switch (frame.kind) {
      case KIND.hello:
        return checkProtocol(decodeControl(ControlHello, frame).protocol);
      case KIND.cancel:
        if (this.#waiting.has(frame.id)) this.#cancelled.add(frame.id);
        return;
      case KIND.stop:
        void this.#turns.run(() => this.#use.end(0));
        return;
      default:
        this.#queue(frame.id, this.#act(frame));
    }
  }

  #queue(id: number, act: () => Promise<void>): void {
    this.#waiting.add(id);
    void this.#turns.run(async () => {
      this.#waiting.delete(id);
      if (this.#cancelled.delete(id)) this.#fail(id, cancelled());
      else await act().catch((error: unknown) => this.#fail(id, error));
    });
  }

  #fail(id: number, error: unknown): void {
    this.#use.write(encodeFailed(id, error, 'Cannot do what the model host was asked'));
  }

  /** Reads the request now, and gives what is to be done at its turn. */
  #act(frame: Frame): () => Promise<void> {
    const { id, kind } = frame;
    const { write } = this.#use;
    switch (kind) {
      case KIND.run: {
        const order = decodeRun(frame);
        return async () => this.#run(id, order);
      }
      case KIND.load: {
        const order = decodeControl(LoadOrder, frame);
        if (order.verifyOnly === true) {
          return async () => {
            const verified = await verifyPackage(packageOf(order), this.#use.clock);
            write(encodeControl(KIND.done, id, VerifiedReport, verified));
          };
        }
        return async () => write(encodeControl(KIND.done, id, LoadedReport, await this.#load(order)));
      }
      case KIND.capture: {
        const { handle, capture } = decodeControl(CaptureOrder, frame);
        return async () => {
          this.#model(handle).capture.set(capture);
          write(encodeControl(KIND.done, id, Nothing, {}));
        };
      }
      case KIND.unload: {
        const { handle } = decodeControl(UnloadOrder, frame);
        return async () => {
          const model = this.#models.get(handle);
          this.#models.delete(handle);
          await model?.session.close();
          write(encodeControl(KIND.done, id, Nothing, {}));
        };
      }
      case KIND.memory:
        return async () => write(encodeControl(KIND.done, id, MemoryReport, { deviceBytes: 0 }));
      case KIND.drain:
        return async () => write(encodeControl(KIND.done, id, Nothing, {}));
      default:
        throw new EdgeError(
          'OPERATION_UNKNOWN',
          `Cannot take the frame as its kind must be one that a host knows: current value is ${kind}`,
        );
    }
  }

  async #load(order: typeof LoadOrder.static): Promise<Omit<LoadReport, 'confinement'>> {
    const { allowSpinning, onlyConfined, handle } = order;
    const spec = packageOf(order);
    const { clock, random, confinement } = this.#use;
    if (onlyConfined && !confinement.isHeld) throw notConfined(confinement);
    if (this.#engine === undefined)
      throw new EdgeError('INTERNAL', 'Cannot load the model without an engine');
    const loaded = await loadPackage(this.#engine, spec, { allowSpinning, clock });
    const report = { ...loaded.report, confinement };
    try {
      const capture = new ModelCapture(report, spec.capture, { clock, random });
      this.#models.set(handle, { ...loaded, report, capture });
    } catch (error) {
      await loaded.session.close();
      throw error;
    }
    return loaded.report;
  }

  async #run(id: number, { handle, deadlineUs, request }: RunOrder): Promise<void> {
    if (this.#use.sharedNowUs() >= deadlineUs) {
      throw new EdgeError(
        'DEADLINE_BEFORE_RUN',
        'Cannot run the model as the deadline passed before its turn',
      );
    }
    const model = this.#model(handle);
    const { capture, report } = model;
    if (request.blind !== true) checkOutputRoom(report.outputs, request);
    const before = capture.before(request.capture);
    const inferenceTimeMs = this.#use.clock.wallMs();
    const { inputs, outputs, runMs } = await this.#infer(model, request);
    this.#use.write(
      encodeResult(id, {
        outputs: request.blind === true ? [] : writeOutputs(outputs, request),
        runMs,
        nonFinite: hasNonFinite(outputs) && !hasNonFinite(inputs),
        captured: capture.outlook(before, request.capture),
      }),
    );
    this.#capture(capture, { request, before, inferenceTimeMs, inputs, outputs });
  }

  async #infer(
    { session, checkFiles }: Hosted,
    request: RunOrder['request'],
  ): Promise<{ inputs: readonly Tensor[]; outputs: readonly Tensor[]; runMs: number }> {
    const inputs = readInputs(request, session.inputs);
    const begunMs = this.#use.clock.monotonicMs();
    const outputs = await session.run(inputs, request.outputs);
    const runMs = this.#use.clock.monotonicMs() - begunMs;
    await checkFiles();
    return { inputs, outputs, runMs };
  }

  /** After the answer: nobody waits for it, and a record that can't be made must not undo an answer. */
  #capture(capture: ModelCapture, inference: Inference): void {
    try {
      const record = capture.record(inference);
      if (record === undefined) return;
      const bytes = encodeCaptured(record);
      if (bytes.length <= MOST_FRAME_BYTES) this.#use.write(bytes);
      else this.#use.tell(`Cannot capture ${record.captureId} as it takes ${bytes.length} bytes`);
    } catch (error) {
      this.#use.tell(`Cannot capture the run: ${messageOf(error)}`);
    }
  }

  #model(handle: number): Hosted {
    const model = this.#models.get(handle);
    if (model === undefined)
      throw new EdgeError('MODEL_HOST_DIED', `Cannot use model ${handle} as it is not loaded here`);
    return model;
  }
}

function packageOf({ package: spec }: typeof LoadOrder.static): LoadSpec {
  if (spec !== undefined) return spec;
  throw new EdgeError('OPERATION_UNKNOWN', 'Cannot load the model as this host wants its whole package');
}

function cancelled(): EdgeError {
  return new EdgeError('CLOSED', 'Cannot run the model as nobody waits for it any more');
}

function notConfined({ phrase }: Confinement): EdgeError {
  return new EdgeError(
    'HOST_UNCONFINED',
    `Cannot load the model as its host must be held to its own files: it has ${phrase}`,
    {
      nextStep:
        "Use a kernel with Landlock (5.13 or newer, 'landlock' in its list of security modules), or set 'hostConfinement' to 'if-possible'",
    },
  );
}
