import type { CaptureRecord, CaptureSink } from '../../capture/mod.js';
import type { Clock, JsonObject, Random } from '../../core/mod.js';
import type { HostedModel, HostExit, LoadReport, RunRequest, RunResult } from './port/mod.js';
import { ModelCapture } from './sampling/mod.js';

/**
 * A model in a host that knows nothing of captures: what is sampled is decided here, and what may not leave the device
 * is taken out here. Only inferences that may be sampled are handed over.
 */
export class PythonModel implements HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  readonly gone: Promise<HostExit>;
  readonly #model: HostedModel;
  readonly #capture: ModelCapture;
  readonly #sampled: CaptureSink;
  /** Runs of which a record may come, in their order, with what was decided before them. */
  readonly #recordable = new Map<RunRequest, ReturnType<ModelCapture['before']>>();

  /** @throws EdgeError naming a policy or rule that does not fit the model */
  constructor(
    model: HostedModel,
    use: { capture: JsonObject | undefined; sampled: CaptureSink; clock: Clock; random: Random },
  ) {
    this.key = model.key;
    this.report = model.report;
    this.gone = model.gone;
    this.#model = model;
    this.#capture = new ModelCapture(model.report, use.capture, use);
    this.#sampled = use.sampled;
  }

  async run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    const before = this.#capture.before(request.capture);
    const captured = this.#capture.outlook(before, request.capture);
    if (captured === 'no') return { ...(await this.#model.run(quiet(request), deadlineMs)), captured };
    this.#recordable.set(request, before);
    try {
      const result = await this.#model.run({ ...request, handOver: true }, deadlineMs);
      this.#forgetBefore(request);
      return { ...result, captured };
    } catch (error) {
      this.#recordable.delete(request);
      throw error;
    }
  }

  /** What the host handed over: the record of the oldest run of that id. One for which nobody waits is dropped. */
  take({ captureId, inputs, outputs, inferenceTimeMs }: CaptureRecord): void {
    for (const [request, before] of this.#recordable) {
      if (request.capture.captureId !== captureId) continue;
      this.#recordable.delete(request);
      const record = this.#capture.record({ request, before, inferenceTimeMs, inputs, outputs });
      if (record !== undefined) this.#sampled(record);
      return;
    }
  }

  /** A record follows its answer at once: none comes any more of a run that was answered before this one. */
  #forgetBefore(answered: RunRequest): void {
    if (!this.#recordable.has(answered)) return;
    for (const request of this.#recordable.keys()) {
      if (request === answered) return;
      this.#recordable.delete(request);
    }
  }

  measureBytes(): Promise<number> {
    return this.#model.measureBytes();
  }

  setCapture(capture: JsonObject | undefined): Promise<void> {
    this.#capture.set(capture);
    return Promise.resolve();
  }

  limitMemory(bytes: number | undefined): Promise<void> {
    return this.#model.limitMemory(bytes);
  }

  unload(): Promise<void> {
    return this.#model.unload();
  }
}

function quiet(request: RunRequest): RunRequest {
  return { ...request, capture: { ...request.capture, mode: 'never' } };
}
