import type { IotCore, Profile } from './api/mod.js';

interface Spooled {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * The device's way to AWS IoT, which a test may cut. The Java nucleus drops QoS 0 then, and says so; QoS 1 it takes,
 * and sends all of it, however old, when the way is back. Nucleus lite refuses both.
 */
export class IotLink implements IotCore {
  readonly #core: IotCore;
  readonly #profile: Profile;
  readonly #spool: Spooled[] = [];
  #isOnline = true;

  constructor(core: IotCore, profile: Profile) {
    this.#core = core;
    this.#profile = profile;
  }

  async publish(topic: string, payload: Uint8Array, qos = 0): Promise<void> {
    if (this.#isOnline) return await this.#core.publish(topic, payload, qos);
    if (this.#profile === 'lite') throw new Error('Failed to publish the message.');
    if (qos === 0) throw new Error('Device is offline. Dropping QoS 0 message.');
    this.#spool.push({ topic, payload });
  }

  subscribe(filter: string, listener: (topic: string, payload: Uint8Array) => void): () => void {
    return this.#core.subscribe(filter, (topic, payload) => {
      if (this.#isOnline) listener(topic, payload);
    });
  }

  async setOnline(isOnline: boolean): Promise<void> {
    this.#isOnline = isOnline;
    if (!isOnline) return;
    for (const { topic, payload } of this.#spool.splice(0)) await this.#core.publish(topic, payload, 1);
  }
}
