import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { MAX_MESSAGE_BYTES } from '../../contract/mod.js';
import {
  EdgeError,
  messageOf,
  type Clock,
  type Json,
  type JsonObject,
  type Logger,
  type Random,
} from '../../core/mod.js';
import type { ConnectionState, GreengrassPort, IncomingMessage, PublishOptions } from '../mod.js';
import { Identity, type Environment } from './identity.js';
import { toIncoming } from './incoming.js';
import { Session } from './session.js';

const IOT_CORE_MAX_BYTES = 128 * 1024;

export interface GreengrassOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default: the variables that Greengrass gave to this process. An SVCUID that is renewed is written there. */
  readonly environment?: Environment;
  /** This component's name: by it a nucleus lite that was restarted gives a new SVCUID. */
  readonly component?: string;
}

/** Connects once and waits for it: UNAVAILABLE where the socket is missing or the nucleus refuses the SVCUID. */
export async function connectGreengrass(options: GreengrassOptions): Promise<GreengrassPort> {
  const { environment = process.env, component } = options;
  const session = new Session({ ...options, identity: new Identity({ environment, component }) });
  await session.connectFirst();
  return new GreengrassIpc(session, options);
}

/** The operations of Greengrass IPC over the official device client, on whatever connection there is. */
class GreengrassIpc implements GreengrassPort {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(session: Session, { clock, logger }: GreengrassOptions) {
    this.#session = session;
    this.#clock = clock;
    this.#logger = logger;
  }

  get deafSeconds(): number {
    return this.#session.deafSeconds;
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    if (payload.byteLength > MAX_MESSAGE_BYTES) {
      throw new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot publish to ${topic} as a message must have at most ${MAX_MESSAGE_BYTES} bytes: this one has ${payload.byteLength}`,
      );
    }
    const publishMessage =
      options.form === 'json'
        ? { jsonMessage: { message: JSON.parse(Buffer.from(payload).toString('utf8')) as unknown } }
        : { binaryMessage: { message: payload } };
    await this.#session.call(
      `Cannot publish to ${topic}`,
      // Both forms are made here: the client need not look into them once more.
      (client) => client.publishToTopic({ topic, publishMessage }, { disableValidation: true }),
      options.signal,
    );
  }

  async subscribe(
    filter: string,
    listener: (message: IncomingMessage) => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe(`Cannot subscribe to ${filter}`, (client) => {
      const operation = client.subscribeToTopic({ topic: filter });
      operation.on('message', (message) => {
        const incoming = toIncoming(message, filter);
        if (incoming !== undefined) listener(incoming);
      });
      return operation;
    });
  }

  async getConfiguration(keyPath: readonly string[], component?: string): Promise<Json> {
    const of = component === undefined ? {} : { componentName: component };
    const reply = await this.#session.call('Cannot read the configuration', (client) =>
      client.getConfiguration({ keyPath: [...keyPath], ...of }),
    );
    return (reply.value ?? {}) as Json;
  }

  async updateConfiguration(keyPath: readonly string[], value: JsonObject): Promise<void> {
    const timestamp = new Date(this.#clock.wallMs());
    await this.#session.call('Cannot update the configuration', (client) =>
      client.updateConfiguration({ keyPath: [...keyPath], timestamp, valueToMerge: value }),
    );
  }

  async onConfigurationChange(
    keyPath: readonly string[],
    listener: () => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot follow the configuration', (client) => {
      const operation = client.subscribeToConfigurationUpdate({ keyPath: [...keyPath] });
      operation.on('message', () => listener());
      return operation;
    });
  }

  async onConfigurationToValidate(
    judge: (configuration: unknown) => Promise<string | undefined>,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot validate configurations', (client) => {
      const operation = client.subscribeToValidateConfigurationUpdates({});
      operation.on('message', ({ validateConfigurationUpdateEvent: event }) => {
        if (event !== undefined) void this.#answer(event.deploymentId, judge(event.configuration));
      });
      return operation;
    });
  }

  /** Where this fails the nucleus takes the silence for a refusal. Never rejects. */
  async #answer(deploymentId: string, judged: Promise<string | undefined>): Promise<void> {
    const refusal = await judged;
    const report = {
      status: (refusal === undefined
        ? 'ACCEPTED'
        : 'REJECTED') as greengrasscoreipc.model.ConfigurationValidityStatus,
      deploymentId,
      ...(refusal === undefined ? {} : { message: refusal }),
    };
    await this.#session
      .call('Cannot answer whether a configuration is valid', (client) =>
        client.sendConfigurationValidityReport({ configurationValidityReport: report }),
      )
      .catch((thrown: unknown) => this.#logger.warn(messageOf(thrown), { deploymentId }));
  }

  async updateState(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    await this.#session.call(`Cannot report the state ${state}`, (client) =>
      client.updateState({ state: state as greengrasscoreipc.model.ReportedLifecycleState }),
    );
  }

  async onComponentUpdate(
    listener: (event: { readonly kind: 'pre' | 'post'; readonly deploymentId: string }) => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot follow component updates', (client) => {
      const operation = client.subscribeToComponentUpdates({});
      operation.on('message', (event) => {
        if (event.preUpdateEvent !== undefined) {
          listener({ kind: 'pre', deploymentId: event.preUpdateEvent.deploymentId });
        }
        if (event.postUpdateEvent !== undefined) {
          listener({ kind: 'post', deploymentId: event.postUpdateEvent.deploymentId });
        }
      });
      return operation;
    });
  }

  async deferComponentUpdate(deploymentId: string, recheckAfterMs: number, message?: string): Promise<void> {
    await this.#session.call('Cannot defer the component update', (client) =>
      client.deferComponentUpdate({
        deploymentId,
        recheckAfterMs,
        ...(message === undefined ? {} : { message }),
      }),
    );
  }

  async publishToIotCore(topic: string, payload: Uint8Array): Promise<void> {
    if (payload.byteLength > IOT_CORE_MAX_BYTES) {
      throw new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot publish to AWS IoT Core as a message must have at most ${IOT_CORE_MAX_BYTES} bytes: this one has ${payload.byteLength}`,
      );
    }
    await this.#session.call(`Cannot publish to AWS IoT Core at ${topic}`, (client) =>
      client.publishToIoTCore({
        topicName: topic,
        qos: '0' as greengrasscoreipc.model.QOS,
        payload,
      }),
    );
  }

  onConnection(listener: (state: ConnectionState, cause?: Error) => void): () => void {
    return this.#session.onConnection(listener);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
