import type { CaptureRecord, CaptureSink } from '../../capture/mod.js';
import type { Clock, JsonObject, Random } from '../../core/mod.js';
import type { HostProcess } from './host-process.js';
import type { HostedModel, HostExit, LoadReport, RunRequest, RunResult } from './port/mod.js';
import { ProcessModel } from './process-model.js';
import { ModelCapture } from './sampling/mod.js';

/** A run of which a record may come. */
interface Recordable {
  readonly request: RunRequest;
  readonly before: ReturnType<ModelCapture['before']>;
}

/**
 * A model in a host that knows nothing of captures: what is sampled is decided here, and what may not leave the device
 * is taken out here. Only inferences that may be sampled are handed over.
 */
export class PythonModel implements HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  readonly gone: Promise<HostExit>;
  readonly #model: ProcessModel;
  readonly #capture: ModelCapture;
  readonly #sampled: CaptureSink;
  /** In the order of their runs, which is that of their records. */
  readonly #recordable = new Map<RunRequest, Recordable>();

  /** @throws EdgeError naming a policy or rule that does not fit the model */
  constructor(
    key: string,
    report: LoadReport,
    process: HostProcess,
    use: { capture: JsonObject | undefined; sampled: CaptureSink; clock: Clock; random: Random },
  ) {
    this.key = key;
    this.report = report;
    this.gone = process.exited;
    this.#model = new ProcessModel(key, report, process);
    this.#capture = new ModelCapture(report, use.capture, use);
    this.#sampled = use.sampled;
  }

  async run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    const before = this.#capture.before(request.capture);
    const captured = this.#capture.outlook(before, request.capture);
    if (captured === 'no') return { ...(await this.#model.run(quiet(request), deadlineMs)), captured };
    this.#recordable.set(request, { request, before });
    try {
      return { ...(await this.#model.run({ ...request, handOver: true }, deadlineMs)), captured };
    } catch (error) {
      this.#recordable.delete(request);
      throw error;
    }
  }

  /** What the host handed over: the record of the oldest run of that id. */
  take({ captureId, inputs, outputs, inferenceTimeMs }: CaptureRecord): void {
    for (const { request, before } of this.#recordable.values()) {
      // Those before it were answered without a record: too large, or nobody waited for them any more.
      this.#recordable.delete(request);
      if (request.capture.captureId !== captureId) continue;
      const record = this.#capture.record({ request, before, inferenceTimeMs, inputs, outputs });
      if (record !== undefined) this.#sampled(record);
      return;
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
