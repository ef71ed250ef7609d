import { topics, type ModelEvent } from '../../contract/mod.js';
import { Listeners, messageOf, type Logger } from '../../core/mod.js';
import { encodeMessage } from '../../ipc/mod.js';

/** Sends bytes to a topic; rejects while Greengrass is not there. */
export type Publish = (topic: string, payload: Uint8Array) => Promise<void>;

/** A sentence must leave room for the rest of a message. */
const REASON_MAX_CHARS = 1000;

/** Events are news, not state: what nobody hears is lost, and list and describe tell the state. */
export class Events {
  readonly #logger: Logger;
  readonly #listeners = new Listeners<[event: ModelEvent]>();
  #publish: Publish | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** From now on events go here; undefined: nowhere. */
  attach(publish: Publish | undefined): void {
    this.#publish = publish;
  }

  /** Calls back with each model event, published or not. */
  onModel(listener: (event: ModelEvent) => void): void {
    this.#listeners.add(listener);
  }

  model(event: Omit<ModelEvent, 'v'>): void {
    const { reason, ...rest } = event;
    this.#logger.info('Model event', { ...event });
    this.#listeners.tell({ v: 1, ...event });
    this.send(topics.modelEvents, {
      v: 1,
      ...rest,
      ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_MAX_CHARS) }),
    });
  }

  send(topic: string, value: unknown): void {
    this.#publish?.(topic, encodeMessage(value)).catch((thrown: unknown) => {
      this.#logger.debug('An event was lost', { topic, reason: messageOf(thrown) });
    });
  }
}
