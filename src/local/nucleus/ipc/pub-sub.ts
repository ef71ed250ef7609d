import type { Json, Logger } from '../../../core/mod.js';
import type { Behaviour } from './behaviour.js';
import type { EventStream } from './event-stream.js';
import type { TopicMatcher } from './topics.js';

export type ReceiveMode = 'RECEIVE_ALL_MESSAGES' | 'RECEIVE_MESSAGES_FROM_OTHERS';

/** A message to hand to every subscription that matches. */
export interface Publication {
  readonly topic: string;
  readonly sender: string;
  readonly message:
    | { readonly kind: 'json'; readonly value: Json }
    /** Base64, as it came: it is passed on unread. */
    | { readonly kind: 'binary'; readonly base64: string };
}

interface Subscription {
  readonly component: string;
  readonly receiveMode: ReceiveMode;
  readonly matches: TopicMatcher;
  readonly stream: EventStream;
  isDeaf: boolean;
}

/** The local message broker: subscriptions of all connections, in the order in which they were made. */
export class PubSub {
  readonly #behaviour: Behaviour;
  readonly #logger: Logger;
  readonly #subscriptions = new Set<Subscription>();

  constructor(behaviour: Behaviour, logger: Logger) {
    this.#behaviour = behaviour;
    this.#logger = logger;
  }

  get isFull(): boolean {
    return this.#subscriptions.size >= this.#behaviour.maxSubscriptions;
  }

  /** Adds a subscription, which ends with its stream. */
  subscribe(component: string, filter: string, receiveMode: ReceiveMode, stream: EventStream): void {
    const matches = this.#behaviour.topicMatcher(filter);
    const subscription: Subscription = { component, receiveMode, matches, stream, isDeaf: false };
    this.#subscriptions.add(subscription);
    stream.onEnd(() => this.#subscriptions.delete(subscription));
  }

  /** Hands the message to every subscription; a promise only where the nucleus has to wait for a full one. */
  publish(publication: Publication): void | Promise<void> {
    const receivers = this.#receivers(publication);
    if (receivers.length === 0) return undefined;
    const delivery =
      publication.message.kind === 'json'
        ? this.#behaviour.deliveryOf(publication.message.value)
        : 'delivered';
    if (delivery !== 'delivered') {
      if (delivery === 'deafens') for (const subscription of receivers) subscription.isDeaf = true;
      this.#logger.warn('A jsonMessage was lost', { topic: publication.topic, delivery });
      return undefined;
    }
    return sendToAll(receivers, this.#body(publication));
  }

  #receivers({ topic, sender }: Publication): Subscription[] {
    const receivers: Subscription[] = [];
    for (const subscription of this.#subscriptions) {
      if (subscription.isDeaf || !subscription.matches(topic)) continue;
      if (subscription.receiveMode === 'RECEIVE_MESSAGES_FROM_OTHERS' && subscription.component === sender)
        continue;
      receivers.push(subscription);
    }
    return receivers;
  }

  #body({ topic, message }: Publication): Uint8Array {
    const context = `"context":${JSON.stringify({ topic })}`;
    const text =
      message.kind === 'json'
        ? `{"jsonMessage":{"message":${this.#behaviour.messageJson(message.value)},${context}}}`
        : `{"binaryMessage":{"message":${JSON.stringify(message.base64)},${context}}}`;
    return Buffer.from(text, 'utf8');
  }
}

function sendToAll(receivers: readonly Subscription[], body: Uint8Array): void | Promise<void> {
  let waiting: Promise<void> | undefined;
  for (const { stream } of receivers) {
    if (waiting !== undefined) {
      waiting = waiting.then(() => stream.send('SubscriptionResponseMessage', body));
      continue;
    }
    const sent = stream.send('SubscriptionResponseMessage', body);
    if (sent instanceof Promise) waiting = sent;
  }
  return waiting;
}
