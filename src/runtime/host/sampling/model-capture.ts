import {
  createRedactor,
  createSampler,
  parseCaptureConfig,
  type CaptureRecord,
  type Redactor,
  type SampleContext,
  type SampleDecision,
  type Sampler,
} from '../../../capture/mod.js';
import type { Tensor, TensorMetadata } from '../../../contract/mod.js';
import { finish, isJsonObject, type Clock, type JsonObject, type Random } from '../../../core/mod.js';
import type { LoadReport, RunRequest, RunResult } from '../port/mod.js';

export interface ModelCaptureDependencies {
  readonly clock: Clock;
  readonly random: Random;
}

/** One inference, with the bytes that the host holds anyway: captured records need no copy of their own. */
export interface Inference {
  readonly request: RunRequest;
  readonly before: SampleDecision | undefined;
  readonly inferenceTimeMs: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** Decides for one model which of its requests are captured, and takes out what may not leave the host. */
export class ModelCapture {
  readonly #report: LoadReport;
  readonly #dependencies: ModelCaptureDependencies;
  #sampler: Sampler;
  #redact: Redactor;

  /** @throws EdgeError naming a policy or rule that does not fit the model */
  constructor(report: LoadReport, capture: JsonObject | undefined, dependencies: ModelCaptureDependencies) {
    this.#report = report;
    this.#dependencies = dependencies;
    ({ sampler: this.#sampler, redact: this.#redact } = this.#parse(capture));
  }

  /** Other policies from now on; where they do not fit, the old ones stay. */
  set(capture: JsonObject | undefined): void {
    ({ sampler: this.#sampler, redact: this.#redact } = this.#parse(capture));
  }

  #parse(capture: JsonObject | undefined): { sampler: Sampler; redact: Redactor } {
    // A package says what is worth capturing; what the device's configuration says stands above it.
    const config = parseCaptureConfig({ ...defaultsOf(this.#report.manifest), ...capture });
    const labels = labelsOf(this.#report.manifest);
    const outputs: readonly TensorMetadata[] = this.#report.outputs;
    return {
      sampler: createSampler(config.policies ?? [], outputs, { ...this.#dependencies, labels }),
      redact: createRedactor(config),
    };
  }

  before(context: SampleContext): SampleDecision | undefined {
    return this.#sampler.decideBefore(context);
  }

  /** What the reply may say before the outputs have been looked at. */
  outlook(before: SampleDecision | undefined, context: SampleContext): RunResult['captured'] {
    if (before !== undefined) return 'yes';
    return this.#sampler.couldSample(context) ? 'maybe' : 'no';
  }

  /** The record of a sampled inference, redacted; undefined where nothing asked for it. */
  record(inference: Inference): CaptureRecord | undefined {
    const { request, before, inputs, outputs, inferenceTimeMs } = inference;
    const decision = this.#sampler.decideAfter(outputs, before, request.capture);
    if (decision === undefined) return undefined;
    const { engine } = this.#report;
    const sampled: CaptureRecord = {
      captureId: request.capture.captureId,
      model: this.#report.name,
      modelVersion: this.#report.version,
      packageDigest: this.#report.digest,
      ...(engine === undefined ? {} : { provider: engine.provider }),
      reasons: decision.reasons,
      priority: decision.priority,
      inferenceTimeMs,
      clockSynchronised: request.capture.clockSynchronised,
      inputs,
      outputs,
    };
    return finish(this.#redact(sampled));
  }
}

function defaultsOf(manifest: JsonObject): JsonObject {
  const capture = manifest['capture'];
  return isJsonObject(capture) ? capture : {};
}

function labelsOf(manifest: JsonObject): string[] {
  const labels = manifest['labels'];
  return Array.isArray(labels) ? labels.map(String) : [];
}
