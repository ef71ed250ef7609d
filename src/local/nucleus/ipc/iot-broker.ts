import type { IotCore } from '../api/mod.js';
import { mqttMatcher, type TopicMatcher } from './topics.js';

/** A message as the broker took it. */
export interface IotMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** An IoT Core of the size of one process: every message that it took can be read. */
export interface IotBroker extends IotCore {
  /** All messages in the order of their arrival. */
  readonly log: readonly IotMessage[];
}

/** Makes a broker that delivers to its subscribers in order, before `publish` resolves. Nothing is retained. */
export function createIotBroker(): IotBroker {
  const log: IotMessage[] = [];
  const subscriptions = new Set<{
    matches: TopicMatcher;
    listener: (topic: string, payload: Uint8Array) => void;
  }>();
  return {
    log,
    publish: (topic, payload) => {
      log.push({ topic, payload });
      for (const subscription of subscriptions) {
        if (subscription.matches(topic)) subscription.listener(topic, payload);
      }
      return Promise.resolve();
    },
    subscribe: (filter, listener) => {
      const subscription = { matches: mqttMatcher(filter), listener };
      subscriptions.add(subscription);
      return () => {
        subscriptions.delete(subscription);
      };
    },
  };
}
