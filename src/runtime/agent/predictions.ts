import { modelOfPredictTopic, type ReplyOf, type RequestOf } from '../../contract/mod.js';
import { deferred, EdgeError, Listeners, within } from '../../core/mod.js';
import type { RequestContext } from '../../ipc/mod.js';
import { checkTensorCount } from '../../tensor/mod.js';
import { checkServable, select } from '../plan/mod.js';
import {
  HostLostError,
  toHostTensor,
  toWireTensor,
  type HostedModel,
  type RunRequest,
  type RunResult,
} from '../host/port/mod.js';
import { findModel } from '../registry/mod.js';
import { NO_CLAIM, type CaptureOwners, type Claim } from './capture-owners.js';
import type { AgentDependencies } from './context.js';
import type { Counters } from './counters.js';
import type { Exchange } from './exchange.js';
import type { ProbationWatch } from './probation-watch.js';
import type { ServedModels } from './served-models.js';
import type { Slot } from './slot.js';
import type { TrustWatch } from './trust-watch.js';
import type { VersionFailures } from './version-failures.js';

interface Order {
  readonly caller: string;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** Aborts where nobody waits any more: what has not begun is not run. */
  readonly signal?: AbortSignal;
}

interface Counted {
  readonly result: RunResult;
  readonly queueMs: number;
}

/** Bounded queues by model version; see runtime/schedule. */
export interface PredictionQueue {
  /**
   * Runs the task when it is its caller's turn, never after the deadline.
   */
  submit<T>(key: string, order: Order, task: (queueMs: number) => Promise<T>): Promise<T>;
}

export interface PredictionsOptions extends Pick<
  AgentDependencies,
  'registry' | 'clock' | 'configuration' | 'random' | 'machine'
> {
  readonly capture: Pick<AgentDependencies['capture'], 'has'>;
  readonly captureOwners: Pick<CaptureOwners, 'claim' | 'isForeign'>;
  readonly served: Pick<ServedModels, 'slot' | 'keep' | 'begin' | 'ensure' | 'ran'>;
  readonly failures: Pick<VersionFailures, 'ran' | 'checkCaller'>;
  readonly counters: Pick<Counters, 'of'>;
  readonly probation: Pick<ProbationWatch, 'succeeded' | 'failed'>;
  readonly exchange: Pick<Exchange, 'folderOf'>;
  readonly queue: PredictionQueue;
  readonly trust: Pick<TrustWatch, 'checkBarred'>;
}

/** The data plane: select the version, wait for its turn, run it in its host, count. */
export class Predictions {
  readonly #options: PredictionsOptions;
  /** Ends the wait of each request that has reached a host. */
  readonly #cuts = new Listeners<[error: EdgeError]>();
  #draining = false;

  constructor(options: PredictionsOptions) {
    this.#options = options;
  }

  /** From now on predictions are refused with UNAVAILABLE. */
  drain(): void {
    this.#draining = true;
  }

  /** Requests that still run are answered now; their hosts end anyway. */
  cutOff(): void {
    const error = new EdgeError('AGENT_STOPPING', 'Cannot finish the prediction as the agent is stopping', {
      retryAfterMs: 1000,
    });
    this.#cuts.tell(error);
  }

  async predict(body: RequestOf<'predict'>, context: RequestContext): Promise<ReplyOf<'predict'>> {
    if (this.#draining)
      throw new EdgeError('AGENT_STOPPING', 'Cannot predict as the agent is stopping', {
        retryAfterMs: 1000,
      });
    const model = modelOfPredictTopic(context.topic);
    if (model === undefined)
      throw new EdgeError('FIELD_INVALID', 'Cannot predict as the topic names no model');
    const slot = this.#slotOf(model, body);
    this.#options.failures.checkCaller(slot, context.caller);
    const { request, isCaptured, claim } = this.#requestOf(body, context);
    const end = this.#options.served.begin(slot);
    try {
      const { caller, signal } = context;
      const order = {
        caller,
        deadlineMs: this.#deadline(context),
        ...(signal === undefined ? {} : { signal }),
      };
      const counted = await this.#counted(slot, request, order);
      const reply = replyOf(slot, request, counted, context.rawInlineBytes !== undefined);
      if (reply.captureId !== undefined) claim.keep();
      return isCaptured ? { ...reply, captureId: request.capture.captureId } : reply;
    } finally {
      claim.end();
      end();
    }
  }

  #slotOf(model: string, { version, label }: RequestOf<'predict'>): Slot {
    const { registry, served, trust } = this.#options;
    const record = select(registry.state, model, { version, label });
    checkServable(model, record);
    trust.checkBarred(model, record);
    if (findModel(registry.state, model)?.wanted !== true) {
      throw new EdgeError('MODEL_NOT_LOADED', `Cannot predict as the model '${model}' was unloaded`, {
        field: 'model',
      });
    }
    const slot = served.slot(model, record.version);
    // Whoever names a version wants it to stay for the next request.
    if (version !== undefined || label !== undefined) served.keep(slot);
    return slot;
  }

  /** @returns with it whether it is captured already: a request that is repeated, as its reply was lost */
  #requestOf(
    body: RequestOf<'predict'>,
    { client, caller, rawInlineBytes }: RequestContext,
  ): { request: RunRequest; isCaptured: boolean; claim: Claim } {
    const { machine } = this.#options;
    checkTensorCount(body.inputs, 'inputs');
    // What is refused here has claimed no id.
    const inputs = body.inputs.map((wire, index) => toHostTensor(wire, `inputs[${index}]`));
    const { captureId, known, claim } = this.#captureIdOf(body.captureId, caller);
    const exchangeFolder = this.#options.exchange.folderOf(client, caller);
    const request: RunRequest = {
      caller,
      inputs,
      ...(body.outputs === undefined ? {} : { outputs: body.outputs }),
      ...(exchangeFolder === undefined ? {} : { exchangeFolder }),
      ...(body.outputFile === undefined ? {} : { outputFile: body.outputFile }),
      ...(rawInlineBytes === undefined ? {} : { maxInlineBytes: rawInlineBytes }),
      capture: {
        mode: known ? 'never' : (body.capture ?? 'policies'),
        captureId,
        clockSynchronised: machine.clockSynchronised(),
      },
    };
    return { request, isCaptured: known, claim };
  }

  /**
   * Whoever repeats a request whose reply was lost repeats its id: it must not be captured twice. Where the id is
   * another component's, this one is captured under an id of ours, which the reply tells.
   */
  #captureIdOf(
    given: string | undefined,
    caller: string,
  ): { captureId: string; known: boolean; claim: Claim } {
    const { capture, random, captureOwners } = this.#options;
    const known = given !== undefined && capture.has(given);
    if (given === undefined || (known && captureOwners.isForeign(given, caller)))
      return { captureId: random.hex(16), known: false, claim: NO_CLAIM };
    return { captureId: given, known, claim: known ? NO_CLAIM : captureOwners.claim(given, caller) };
  }

  #deadline({ deadlineMs }: RequestContext): number {
    const { clock, configuration } = this.#options;
    return Math.min(deadlineMs, clock.monotonicMs() + configuration.current.queue.maxDeadlineMs);
  }

  async #counted(slot: Slot, request: RunRequest, order: Order): Promise<Counted> {
    const { clock, probation } = this.#options;
    const counters = this.#options.counters.of(slot.key);
    const arrivedMs = clock.monotonicMs();
    const begun = { atMs: Infinity };
    try {
      const { result, queueMs } = await this.#options.queue.submit(slot.key, order, async (waitedMs) => {
        return { result: await this.#run(slot, request, order.deadlineMs, begun), queueMs: waitedMs };
      });
      const times = { queueMs, runMs: result.runMs, totalMs: clock.monotonicMs() - arrivedMs };
      counters.succeeded(times, clock.wallMs());
      this.#options.served.ran(slot);
      this.#options.failures.ran(slot);
      if (result.captured !== 'no') counters.lastSampleMs = clock.wallMs();
      await probation.succeeded(slot, request, result);
      return { result, queueMs };
    } catch (thrown) {
      const error = counters.failed(thrown);
      await probation.failed(slot, request, thrown, order.deadlineMs - begun.atMs);
      throw error;
    }
  }

  /** A request that was only beside the one that its host died of runs once more, in the next host. */
  async #run(
    slot: Slot,
    request: RunRequest,
    deadlineMs: number,
    begun: { atMs: number },
  ): Promise<RunResult> {
    const { failures } = this.#options;
    // While this one waited for its turn, others of its caller may have done harm.
    if (request.caller !== undefined) failures.checkCaller(slot, request.caller);
    const hosted = await this.#hosted(slot, deadlineMs);
    begun.atMs = this.#options.clock.monotonicMs();
    try {
      return await this.#attempt(slot, hosted, request, deadlineMs);
    } catch (thrown) {
      if (!(thrown instanceof HostLostError) || thrown.atFault) throw thrown;
      await this.#within(slot, deadlineMs, hosted.gone);
      return await this.#attempt(slot, await this.#hosted(slot, deadlineMs), request, deadlineMs);
    }
  }

  async #attempt(
    { key }: Slot,
    hosted: HostedModel,
    request: RunRequest,
    deadlineMs: number,
  ): Promise<RunResult> {
    const remainingMs = deadlineMs - this.#options.clock.monotonicMs();
    if (remainingMs <= 0) throw late(key);
    return await this.#uncut(hosted.run(request, remainingMs));
  }

  async #uncut<T>(running: Promise<T>): Promise<T> {
    const cutOff = deferred<never>();
    const end = this.#cuts.add(cutOff.reject);
    try {
      return await Promise.race([running, cutOff.promise]);
    } finally {
      end();
    }
  }

  /** Loads on demand; the load goes on when this request no longer waits for it. */
  async #hosted(slot: Slot, deadlineMs: number): Promise<HostedModel> {
    return slot.hosted ?? (await this.#within(slot, deadlineMs, this.#options.served.ensure(slot)));
  }

  async #within<T>({ key }: Slot, deadlineMs: number, doing: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const leftMs = deadlineMs - clock.monotonicMs();
    return await within(clock, leftMs, this.#uncut(doing), { late: () => late(key) });
  }
}

function late(key: string): EdgeError {
  return new EdgeError('DEADLINE_BEFORE_RUN', `Cannot run ${key} as its deadline passed while it was loaded`);
}

function replyOf(
  slot: Slot,
  request: RunRequest,
  { result, queueMs }: Counted,
  asBytes: boolean,
): ReplyOf<'predict'> {
  return {
    model: slot.model,
    version: slot.version,
    outputs: result.outputs.map((output) => toWireTensor(output, asBytes)),
    ...(result.captured === 'no' ? {} : { captureId: request.capture.captureId }),
    queueMs: Math.round(queueMs * 1000) / 1000,
    runMs: Math.round(result.runMs * 1000) / 1000,
  };
}
