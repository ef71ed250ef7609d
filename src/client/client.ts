import type { ModelDescription, ModelSummary, ReplyOf, RequestOf, Tensor } from '../contract/mod.js';
import { predictTopic } from '../contract/mod.js';
import type { Clock, Logger, Random } from '../core/mod.js';
import { createRequester, type Requester, type Transport } from '../ipc/mod.js';
import { Calls } from './calls.js';
import { captureParts, captureRequest } from './capture-request.js';
import { Carriers } from './carriers.js';
import { IN_MESSAGE, type InlineForm } from './inline-form.js';
import { OutputRoom } from './output-room.js';
import { pick } from './pick.js';
import { predictionOf, predictRequest } from './prediction.js';
import type { CallOptions, CaptureData, ModelSelector, Prediction, PredictOptions } from './types.js';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What a client has whatever its way to the agent is. */
export interface ClientSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly uid?: number | undefined;
  /** For calls that name no timeout. Default 10,000 ms. */
  readonly defaultTimeoutMs?: number;
  /** Room for outputs that do not fit into a message. Default 64 MiB; sparse, so it costs nothing unused. */
  readonly maxOutputBytes?: number;
}

export interface ClientOptions extends ClientSettings {
  readonly transport: Transport;
  /** This component's name, as in its recipe: its policy allows replies to itself only. */
  readonly component: string;
}

/** A way to the agent. */
export interface AgentWay {
  readonly requester: Pick<Requester, 'request' | 'close'>;
  readonly form: InlineForm;
}

/**
 * The agent's operations for a local app. Small tensors travel in messages, large ones by files in the exchange
 * folder; the caller does not see which, and an app that only has small ones needs no such folder. Calls answered with UNAVAILABLE (the agent restarts, the connection is
 * lost) are repeated within their time with the same capture id, so that nothing is captured twice.
 *
 * Every call may throw an `EdgeError`: DEADLINE_EXCEEDED where its time is up, UNAVAILABLE where the agent stays
 * away so long, and what its own description names. Decide by `code` and `reason` (docs/errors.md).
 */
export class EdgeManagerClient implements AsyncDisposable {
  readonly #options: ClientSettings;
  readonly #requester: AgentWay['requester'];
  readonly #form: InlineForm;
  readonly #session: string;
  readonly #calls: Calls;
  readonly #carriers: Carriers;
  readonly #room = new OutputRoom();

  private constructor(options: ClientSettings, { requester, form }: AgentWay) {
    this.#options = options;
    this.#requester = requester;
    this.#form = form;
    this.#session = options.random.hex(8);
    this.#calls = new Calls({ ...options, requester, defaultTimeoutMs: options.defaultTimeoutMs });
    const folder = async (timeoutMs: number): Promise<string> =>
      (await this.hello({ timeoutMs })).exchangeFolder;
    this.#carriers = new Carriers(folder, this.#session, form);
  }

  /**
   * Opens the reply subscription over a transport of one's own; apps use `connect`. The agent need not be there yet.
   * @throws EdgeError PERMISSION_DENIED where the policy does not allow the component's reply topic
   * @example
   * const client = await EdgeManagerClient.open({ transport, component: 'com.example.App', clock, random, logger });
   */
  static async open(options: ClientOptions): Promise<EdgeManagerClient> {
    return new EdgeManagerClient(options, { requester: await createRequester(options), form: IN_MESSAGE });
  }

  /** Over another way; apps use `connect`. */
  static over(way: AgentWay, settings: ClientSettings): EdgeManagerClient {
    return new EdgeManagerClient(settings, way);
  }

  /**
   * Who answers: the agent's version, the device's thing name and fleet, the folder for tensor files.
   * @throws EdgeError PERMISSION_DENIED (USER_DIFFERS) where app and agent run as different users
   * @example
   * const { agentVersion, thingName } = await client.hello({ timeoutMs: 2000 });
   */
  async hello(options: CallOptions = {}): Promise<ReplyOf<'hello'>> {
    const { uid } = this.#options;
    const body = { session: this.#session, ...(uid === undefined ? {} : { uid }) };
    return await this.#calls.call('hello', body, options);
  }

  /**
   * Runs a model on the device.
   * @param model a name; `options` picks a version or label, default the label `stable`
   * @param inputs one tensor for each input of the model, in any order; shapes as `describeModel` gives them
   * @throws EdgeError NOT_FOUND (no such model or version), INVALID_ARGUMENT (a tensor is wrong: `field` names it),
   * RESOURCE_EXHAUSTED (QUEUE_FULL: wait `retryAfterMs`), DEADLINE_EXCEEDED, UNAVAILABLE; for tensors that do not fit
   * a message also FAILED_PRECONDITION (EXCHANGE_FOLDER_UNSEEN, EXCHANGE_FOLDER_READ_ONLY) and RESOURCE_EXHAUSTED
   * (EXCHANGE_FULL)
   * @example
   * const { outputs, version } = await client.predict('SileroVad', [tensor('input', 'FP32', [1, 576], samples)]);
   */
  async predict(model: string, inputs: readonly Tensor[], options: PredictOptions = {}): Promise<Prediction> {
    const captureId = options.captureId ?? this.#options.random.hex(16);
    const parts = inputs.map((input) => input.data);
    const topic = predictTopic(model);
    const maxBytes = this.#options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
    return await this.#calls.repeat(options, (attempt) =>
      this.#room.give(model, !this.#form.fits(parts), (room) =>
        this.#carriers.carry(parts, room ? maxBytes : 0, attempt, async (laid) => {
          const body = predictRequest(inputs, laid, captureId, options);
          const how = { ...attempt, topic, withRoom: laid.withRoom };
          const reply = await this.#requester.request('predict', body, how);
          return await predictionOf(reply, laid);
        }),
      ),
    );
  }

  /**
   * Loads an admitted version, or a package folder on the device (Edge Manager's LoadModel).
   * @param model `path` is an absolute folder that holds a package; `pinned` keeps the model in memory
   * @throws EdgeError NOT_FOUND, ALREADY_EXISTS (MODEL_ALREADY_LOADED), FAILED_PRECONDITION (the package is refused:
   * `reason` says why), RESOURCE_EXHAUSTED (MEMORY_BUDGET)
   * @example
   * const { state, memoryBytes } = await client.load({ name: 'Defects', path: '/opt/models/defects' });
   */
  async load(
    model: ModelSelector & { readonly path?: string; readonly pinned?: boolean },
    options: CallOptions = {},
  ): Promise<ModelDescription> {
    return await this.#describing('load', { ...model }, options);
  }

  /**
   * Unloads a model until it is loaded again (Edge Manager's UnloadModel).
   * @throws EdgeError NOT_FOUND (MODEL_NOT_LOADED)
   * @example
   * await client.unload({ name: 'Defects' });
   */
  async unload(model: ModelSelector, options: CallOptions = {}): Promise<void> {
    await this.#calls.call('unload', { ...model }, options);
  }

  /**
   * All versions that the agent knows; pages are joined.
   * @example
   * const serving = (await client.listModels()).filter(({ labels }) => labels.includes('stable'));
   */
  async listModels(options: CallOptions = {}): Promise<readonly ModelSummary[]> {
    const models: ModelSummary[] = [];
    let cursor: string | undefined;
    do {
      const page: ReplyOf<'list'> = await this.#calls.call('list', pick({ cursor }, ['cursor']), options);
      models.push(...page.models);
      cursor = page.next;
    } while (cursor !== undefined);
    return models;
  }

  /**
   * One version in full: inputs and outputs (names, datatypes, shapes; -1 or a name for a size known at run time),
   * state, memory in bytes, and its probation where it is on one.
   * @throws EdgeError NOT_FOUND
   * @example
   * const { inputs } = await client.describeModel({ name: 'SileroVad', label: 'stable' });
   */
  async describeModel(model: ModelSelector, options: CallOptions = {}): Promise<ModelDescription> {
    return await this.#describing('describe', { ...model }, options);
  }

  /**
   * Counters since the agent's start, latencies in milliseconds, and what waits to be uploaded.
   * @param options `model` asks for one model only
   * @example
   * const { models, capture } = await client.stats({ model: 'SileroVad' });
   */
  async stats(options: CallOptions & { readonly model?: string } = {}): Promise<ReplyOf<'stats'>> {
    return await this.#calls.call('stats', pick(options, ['model']), options);
  }

  /**
   * Edge Manager's CaptureData: keeps inputs and outputs of the app's own choice.
   * @returns the capture id, and `durable` where it is on disk, `interval` where the disk follows in a moment
   * @throws EdgeError NOT_FOUND (no such model), ALREADY_EXISTS (CAPTURE_ID_TAKEN), OUT_OF_RANGE (TIME_IN_FUTURE),
   * RESOURCE_EXHAUSTED (SPOOL_QUOTA, DISK_FULL, CAPTURES_WAITING), INVALID_ARGUMENT
   * @example
   * const picture = { name: 'frame', encoding: 'BASE64', contentType: 'image/jpeg', data: jpeg } as const;
   * const { captureId } = await client.capture({ modelName: 'Defects', inputs: [picture] });
   */
  async capture(data: CaptureData, options: CallOptions = {}): Promise<ReplyOf<'capture'>> {
    const captureId = data.captureId ?? this.#options.random.hex(16);
    return await this.#calls.repeat(options, (attempt) =>
      this.#carriers.carry(captureParts(data), 0, attempt, ({ carriers, withRoom }) => {
        const body = captureRequest(data, carriers, captureId);
        return this.#requester.request('capture', body, { ...attempt, withRoom });
      }),
    );
  }

  /**
   * Edge Manager's GetCaptureDataStatus, and where the record is. An id that was never heard of is no error.
   * @example
   * const { status, state } = await client.captureStatus(captureId); // 'SUCCESS', 'UPLOADED'
   */
  async captureStatus(captureId: string, options: CallOptions = {}): Promise<ReplyOf<'captureStatus'>> {
    return await this.#calls.call('captureStatus', { captureId }, options);
  }

  /** A model's description, which may be longer than a message. */
  async #describing<Name extends 'load' | 'describe'>(
    name: Name,
    body: RequestOf<Name>,
    options: CallOptions,
  ): Promise<ReplyOf<Name>> {
    return await this.#calls.repeat(options, (attempt) => {
      const withRoom = this.#carriers.withRoom(attempt);
      return this.#requester.request(name, body, { ...attempt, withRoom });
    });
  }

  /** Ends the subscription and removes this client's files; calls under way fail with UNAVAILABLE (CLOSED). */
  async close(): Promise<void> {
    await this.#requester.close();
    await this.#carriers.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
