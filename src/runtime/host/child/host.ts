import type { Tensor } from '../../../contract/mod.js';
import { EdgeError, SerialQueue, type Clock, type Random } from '../../../core/mod.js';
import type { Engine } from '../../../engine/mod.js';
import type { Confinement } from '../confinement/mod.js';
import {
  type LoadReport,
  type RunRequest,
  type RunResult,
  type HostCommand,
  type HostMessage,
  toFailure,
} from '../port/mod.js';
import { hasNonFinite } from './non-finite.js';
import { checkOutputRoom, readInputs, writeOutputs } from './run-tensors.js';
import { ModelCapture, type Inference } from './model-capture.js';
import { loadPackage, type LoadedModel } from './load.js';

export interface HostDependencies {
  readonly engine: () => Promise<Engine>;
  readonly clock: Clock;
  /** The machine's monotonic clock, shared with the control process, in milliseconds. */
  readonly sharedNowMs: () => number;
  readonly random: Random;
  readonly send: (message: HostMessage) => void;
  readonly confinement: Confinement;
}

type RunCommand = Extract<HostCommand, { type: 'run' }>;

interface Hosted extends Pick<LoadedModel, 'session' | 'checkFiles'> {
  readonly report: LoadReport;
  readonly capture: ModelCapture;
}

/**
 * What a model host process does. One command after the other: ONNX Runtime blocks the thread anyway, so there is
 * nothing to win by overlap, and order is what lets the control process know which run is on.
 */
export class ModelHost {
  readonly #models = new Map<string, Hosted>();
  readonly #use: HostDependencies;
  readonly #commands = new SerialQueue();

  constructor(dependencies: HostDependencies) {
    this.#use = dependencies;
  }

  /** Takes a command; its answer is sent when all earlier ones are done. */
  accept(command: HostCommand): void {
    void this.#commands.run(() => this.#answer(command));
  }

  async #answer(command: HostCommand): Promise<void> {
    try {
      if (command.type === 'run') await this.#run(command);
      else this.#done(command.id, await this.#control(command));
    } catch (error) {
      const action = `Cannot ${command.type === 'capture' ? 'set the capture of' : command.type} the model`;
      this.#use.send({ type: 'failed', id: command.id, error: toFailure(error, action) });
    }
  }

  #done(id: number, value: LoadReport | RunResult | undefined): void {
    this.#use.send({ type: 'done', id, value });
  }

  async #control(command: Exclude<HostCommand, RunCommand>): Promise<LoadReport | undefined> {
    switch (command.type) {
      case 'load':
        return await this.#load(command);
      case 'capture':
        this.#model(command.key).capture.set(command.capture);
        return undefined;
      case 'unload': {
        const model = this.#models.get(command.key);
        this.#models.delete(command.key);
        await model?.session.close();
        return undefined;
      }
    }
  }

  async #load(command: Extract<HostCommand, { type: 'load' }>): Promise<LoadReport> {
    const { spec, allowSpinning, onlyConfined } = command;
    const { engine, clock, random, confinement } = this.#use;
    if (onlyConfined && !confinement.isHeld) throw notConfined(confinement);
    const loaded = await loadPackage(await engine(), spec, { allowSpinning, clock });
    const report = { ...loaded.report, confinement };
    try {
      const capture = new ModelCapture(report, spec.capture, { clock, random });
      this.#models.set(spec.key, { ...loaded, report, capture });
    } catch (error) {
      await loaded.session.close();
      throw error;
    }
    return report;
  }

  async #run({ id, key, request, deadlineAtMs }: RunCommand): Promise<void> {
    if (this.#use.sharedNowMs() >= deadlineAtMs) {
      throw new EdgeError(
        'DEADLINE_BEFORE_RUN',
        'Cannot run the model as the deadline passed before its turn',
      );
    }
    const model = this.#model(key);
    const { capture, report } = model;
    if (request.blind !== true) checkOutputRoom(report.outputs, request);
    const before = capture.before(request.capture);
    const inferenceTimeMs = this.#use.clock.wallMs();
    const { inputs, outputs, runMs } = await this.#infer(model, request);
    this.#done(id, {
      outputs: request.blind === true ? [] : writeOutputs(outputs, request),
      runMs,
      nonFinite: hasNonFinite(outputs) && !hasNonFinite(inputs),
      captured: capture.outlook(before, request.capture),
    });
    this.#capture(capture, { request, before, inferenceTimeMs, inputs, outputs });
  }

  async #infer(
    { session, checkFiles }: Hosted,
    request: RunRequest,
  ): Promise<{ inputs: readonly Tensor[]; outputs: readonly Tensor[]; runMs: number }> {
    const inputs = readInputs(request, session.inputs);
    const begunMs = this.#use.clock.monotonicMs();
    const outputs = await session.run(inputs, request.outputs);
    const runMs = this.#use.clock.monotonicMs() - begunMs;
    await checkFiles();
    return { inputs, outputs, runMs };
  }

  /** After the reply: nobody waits for it, and a record that can't be made must not undo an answer. */
  #capture(capture: ModelCapture, inference: Inference): void {
    const record = capture.record(inference);
    if (record !== undefined) this.#use.send({ type: 'captured', record });
  }

  #model(key: string): Hosted {
    const model = this.#models.get(key);
    if (model === undefined)
      throw new EdgeError('MODEL_HOST_DIED', `Cannot use ${key} as it is not loaded here`);
    return model;
  }
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
