import { createRedactor, type CaptureRecord } from '../../capture/mod.js';
import type {
  AuxiliaryData,
  CaptureState,
  CaptureStatusValue,
  ReplyOf,
  RequestOf,
} from '../../contract/mod.js';
import { EdgeError, finishInTurns, SerialQueue, Shares } from '../../core/mod.js';
import type { RequestContext } from '../../ipc/mod.js';
import { nextTurn } from '../../system/mod.js';
import { captureOf } from '../config/mod.js';
import { select } from '../plan/mod.js';
import { findModel } from '../registry/mod.js';
import { captureDropped, captureIdTaken, capturesWaiting } from './capture-refusals.js';
import type { CaptureOwners } from './capture-owners.js';
import type { AgentDependencies } from './context.js';
import type { Exchange } from './exchange.js';
import { SubmittedValues } from './submitted-values.js';

/** Components whose captures may fill their buffers at once. */
const BUFFERS = 8;
/** Two clocks of one device may differ by a rounding. */
const FUTURE_SLACK_MS = 1000;

type Submitted = RequestOf<'capture'>;

/** Edge Manager's CaptureData and GetCaptureDataStatus. */
export class Captures {
  readonly #dependencies: AgentDependencies;
  readonly #exchange: Exchange;
  readonly #owners: CaptureOwners;
  /** Records with files, one after the other: each may be large, and memory holds one beside what waits for the disk. */
  readonly #large = new SerialQueue();
  readonly #pending = new Set<Promise<unknown>>();
  /** Of what is on its way to the spool, how much is whose. */
  readonly #shares = new Shares();

  constructor(dependencies: AgentDependencies, exchange: Exchange, owners: CaptureOwners) {
    this.#dependencies = dependencies;
    this.#exchange = exchange;
    this.#owners = owners;
  }

  async submit(body: Submitted, context: RequestContext): Promise<ReplyOf<'capture'>> {
    const { capture, configuration } = this.#dependencies;
    if (capture.has(body.captureId)) throw captureIdTaken(body.captureId);
    const { bufferSize } = configuration.current.capture;
    const { caller } = context;
    if (!this.#shares.hasRoom(caller, BUFFERS * bufferSize, bufferSize)) throw capturesWaiting(bufferSize);
    this.#owners.note(body.captureId, caller);
    const submission = this.#submit(body, context);
    this.#pending.add(submission);
    this.#shares.take(caller);
    try {
      return await submission;
    } finally {
      this.#pending.delete(submission);
      this.#shares.give(caller);
    }
  }

  /** Told to whoever may ask: apps that watch others' captures have done so since the first version. */
  status({ captureId }: RequestOf<'captureStatus'>): ReplyOf<'captureStatus'> {
    const { state, reason } = this.#dependencies.capture.status(captureId);
    return { captureId, status: STATUS[state], state, ...(reason === undefined ? {} : { reason }) };
  }

  /** Resolves when nothing is on its way to the spool any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #submit(body: Submitted, context: RequestContext): Promise<ReplyOf<'capture'>> {
    const { capture, logger } = this.#dependencies;
    const { captureId } = body;
    const read = (): Promise<CaptureRecord> => this.#redacted(body, context);
    const outcome = await capture.append(await (hasFiles(body) ? this.#large.run(read) : read()));
    if (outcome.outcome === 'spooled') return { captureId, mode: outcome.mode };
    logger.debug('A submitted capture was dropped', { captureId, reason: outcome.reason });
    throw captureDropped(outcome.reason, captureId);
  }

  async #redacted(body: Submitted, context: RequestContext): Promise<CaptureRecord> {
    const record = await this.#recordOf(body, context);
    const redact = createRedactor(captureOf(this.#dependencies.configuration.current, record.model));
    return await finishInTurns(redact(record), nextTurn);
  }

  async #recordOf(body: Submitted, { client, caller }: RequestContext): Promise<CaptureRecord> {
    const { registry, machine } = this.#dependencies;
    const { modelName, version, captureId } = body;
    // Versions of a model whose packages are gone were served here once: their captures still count.
    if (findModel(registry.state, modelName) === undefined) {
      throw new EdgeError(
        'MODEL_NOT_FOUND',
        `Cannot capture as there is no model '${modelName}' on this device`,
        { field: 'modelName' },
      );
    }
    const known = select(registry.state, modelName, { version });
    const inferenceTimeMs = this.#timeOf(body.inferenceTimestamp);
    return {
      captureId,
      model: known.packageName,
      modelVersion: known.version,
      packageDigest: known.digest,
      reasons: ['capture-data'],
      priority: 'sample',
      inferenceTimeMs,
      clockSynchronised: machine.clockSynchronised(),
      ...(await valuesOf(body, new SubmittedValues(this.#exchange.folderOf(client, caller)))),
    };
  }

  #timeOf(timestamp: Submitted['inferenceTimestamp']): number {
    const nowMs = this.#dependencies.clock.wallMs();
    if (timestamp === undefined) return nowMs;
    const timeMs = timestamp.seconds * 1000 + (timestamp.nanos ?? 0) / 1e6;
    if (timeMs > nowMs + FUTURE_SLACK_MS) {
      throw new EdgeError(
        'TIME_IN_FUTURE',
        `Cannot capture an inference of the future: it is now ${new Date(nowMs).toISOString()}`,
        { field: 'inferenceTimestamp' },
      );
    }
    return timeMs;
  }
}

type Values = Pick<CaptureRecord, 'inputs' | 'outputs' | 'auxiliaryInputs' | 'auxiliaryOutputs'>;

async function valuesOf(body: Submitted, values: SubmittedValues): Promise<Values> {
  const inputs = await values.tensors(body.inputTensors ?? [], 'inputTensors');
  const outputs = await values.tensors(body.outputTensors ?? [], 'outputTensors');
  const auxiliaryInputs = body.inputs && (await values.items(body.inputs as AuxiliaryData[], 'inputs'));
  const auxiliaryOutputs = body.outputs && (await values.items(body.outputs as AuxiliaryData[], 'outputs'));
  return {
    inputs,
    outputs,
    ...(auxiliaryInputs === undefined ? {} : { auxiliaryInputs }),
    ...(auxiliaryOutputs === undefined ? {} : { auxiliaryOutputs }),
  };
}

function hasFiles({ inputTensors = [], outputTensors = [], inputs = [], outputs = [] }: Submitted): boolean {
  const items: readonly { readonly file?: unknown }[] = [
    ...inputTensors,
    ...outputTensors,
    ...inputs,
    ...outputs,
  ];
  return items.some(({ file }) => file !== undefined);
}

const STATUS: Readonly<Record<CaptureState, CaptureStatusValue>> = {
  PENDING: 'IN_PROGRESS',
  SPOOLED: 'IN_PROGRESS',
  UPLOADED: 'SUCCESS',
  DROPPED: 'FAILURE',
  QUARANTINED: 'FAILURE',
  UNKNOWN: 'NOT_FOUND',
};
