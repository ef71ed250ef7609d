import { Type, type Static } from '@sinclair/typebox';
import { MAX_MESSAGE_BYTES } from '../../contract/mod.js';
import {
  EdgeError,
  matches,
  messageOf,
  type Clock,
  type Json,
  type JsonObject,
  type Logger,
  type Random,
  validate,
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

const Configuration = Type.Object({ value: Type.Optional(Type.Unknown()) });
const Validation = Type.Object({
  validateConfigurationUpdateEvent: Type.Object({
    configuration: Type.Optional(Type.Unknown()),
    deploymentId: Type.String(),
  }),
});
const Update = Type.Object({ deploymentId: Type.String() });
/** One of the two, and what a newer nucleus may add. */
const UpdateEvent = Type.Object({
  preUpdateEvent: Type.Optional(Type.Union([Type.Null(), Update])),
  postUpdateEvent: Type.Optional(Type.Union([Type.Null(), Update])),
});

/** The operations of Greengrass IPC, on whatever connection there is. */
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
    const publishMessage: JsonObject =
      options.form === 'json'
        ? { jsonMessage: { message: JSON.parse(Buffer.from(payload).toString('utf8')) as Json } }
        : { binaryMessage: { message: base64(payload) } };
    await this.#session.call(`Cannot publish to ${topic}`, (link) =>
      link.call('PublishToTopic', { topic, publishMessage }),
    );
  }

  async subscribe(
    filter: string,
    listener: (message: IncomingMessage) => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe(`Cannot subscribe to ${filter}`, {
      operation: 'SubscribeToTopic',
      request: { topic: filter },
      onEvent: (body) => {
        const incoming = toIncoming(body, filter);
        if (incoming !== undefined) listener(incoming);
      },
    });
  }

  async getConfiguration(keyPath: readonly string[], component?: string): Promise<Json> {
    const what = 'Cannot read the configuration';
    const of = component === undefined ? {} : { componentName: component };
    const reply = await this.#session.call(what, (link) =>
      link.call('GetConfiguration', { keyPath: [...keyPath], ...of }),
    );
    return (validate(Configuration, reply, what).value ?? {}) as Json;
  }

  async updateConfiguration(keyPath: readonly string[], value: JsonObject): Promise<void> {
    const timestamp = fractionalSeconds(this.#clock.wallMs());
    await this.#session.call('Cannot update the configuration', (link) =>
      link.call('UpdateConfiguration', { keyPath: [...keyPath], timestamp, valueToMerge: value }),
    );
  }

  async onConfigurationChange(
    keyPath: readonly string[],
    listener: () => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot follow the configuration', {
      operation: 'SubscribeToConfigurationUpdate',
      request: { keyPath: [...keyPath] },
      onEvent: () => listener(),
    });
  }

  async onConfigurationToValidate(
    judge: (configuration: unknown) => Promise<string | undefined>,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot validate configurations', {
      operation: 'SubscribeToValidateConfigurationUpdates',
      request: {},
      onEvent: (body) => {
        if (!matches(Validation, body)) return;
        const { validateConfigurationUpdateEvent: event } = body as Static<typeof Validation>;
        void this.#answer(event.deploymentId, judge(event.configuration));
      },
    });
  }

  /** Where this fails the nucleus takes the silence for a refusal. Never rejects. */
  async #answer(deploymentId: string, judged: Promise<string | undefined>): Promise<void> {
    const refusal = await judged;
    const configurationValidityReport = {
      status: refusal === undefined ? 'ACCEPTED' : 'REJECTED',
      deploymentId,
      ...(refusal === undefined ? {} : { message: refusal }),
    };
    await this.#session
      .call('Cannot answer whether a configuration is valid', (link) =>
        link.call('SendConfigurationValidityReport', { configurationValidityReport }),
      )
      .catch((thrown: unknown) => this.#logger.warn(messageOf(thrown), { deploymentId }));
  }

  async updateState(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    await this.#session.call(`Cannot report the state ${state}`, (link) =>
      link.call('UpdateState', { state }),
    );
  }

  async onComponentUpdate(
    listener: (event: { readonly kind: 'pre' | 'post'; readonly deploymentId: string }) => void,
  ): Promise<() => Promise<void>> {
    return await this.#session.subscribe('Cannot follow component updates', {
      operation: 'SubscribeToComponentUpdates',
      request: {},
      onEvent: (body) => {
        if (!matches(UpdateEvent, body)) return;
        const { preUpdateEvent: pre, postUpdateEvent: post } = body as Static<typeof UpdateEvent>;
        if (pre) listener({ kind: 'pre', deploymentId: pre.deploymentId });
        if (post) listener({ kind: 'post', deploymentId: post.deploymentId });
      },
    });
  }

  async deferComponentUpdate(deploymentId: string, recheckAfterMs: number, message?: string): Promise<void> {
    const why = message === undefined ? {} : { message };
    await this.#session.call('Cannot defer the component update', (link) =>
      link.call('DeferComponentUpdate', { deploymentId, ...why, recheckAfterMs }),
    );
  }

  async publishToIotCore(topic: string, payload: Uint8Array): Promise<void> {
    if (payload.byteLength > IOT_CORE_MAX_BYTES) {
      throw new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot publish to AWS IoT Core as a message must have at most ${IOT_CORE_MAX_BYTES} bytes: this one has ${payload.byteLength}`,
      );
    }
    await this.#session.call(`Cannot publish to AWS IoT Core at ${topic}`, (link) =>
      link.call('PublishToIoTCore', { topicName: topic, qos: '0', payload: base64(payload) }),
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

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Nucleus lite refuses a number without a fraction. */
function fractionalSeconds(ms: number): number {
  return (ms % 1000 === 0 ? ms + 1 : ms) / 1000;
}
