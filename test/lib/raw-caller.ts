import { replyTopic, type ReplyEnvelope } from '../../src/contract/mod.js';
import type { GreengrassPort } from '../../src/ipc/mod.js';
import { until } from './until.js';

/** Publishes requests in any component's name, as Greengrass lets whoever may publish, and hears its own replies. */
export class RawCaller {
  readonly component: string;
  readonly #port: GreengrassPort;
  readonly #replies = new Map<string, ReplyEnvelope[]>();

  private constructor(port: GreengrassPort, component: string) {
    this.#port = port;
    this.component = component;
  }

  /** @param starts of the component that it hears replies of: each has a reply topic of its own */
  static async open(port: GreengrassPort, component: string, starts = 1): Promise<RawCaller> {
    const caller = new RawCaller(port, component);
    for (let start = 0; start < starts; start++) {
      await port.subscribe(caller.replyTo(start), ({ payload }) => {
        const reply = JSON.parse(Buffer.from(payload).toString()) as ReplyEnvelope;
        caller.#replies.set(reply.id, [...(caller.#replies.get(reply.id) ?? []), reply]);
      });
    }
    return caller;
  }

  replyTo(start = 0, component = this.component): string {
    return replyTopic(component, start.toString(16).padStart(32, '0'));
  }

  async send(
    topic: string,
    op: string,
    body: object,
    {
      id,
      replyTo = this.replyTo(),
      timeoutMs = 60_000,
    }: { id: string; replyTo?: string; timeoutMs?: number },
  ): Promise<void> {
    const request = { v: 1, id, replyTo, timeoutMs, op, body };
    await this.#port.publish(topic, Buffer.from(JSON.stringify(request)));
  }

  repliesTo(id: string): readonly ReplyEnvelope[] {
    return this.#replies.get(id) ?? [];
  }

  /** The replies to an id, once there are so many. */
  async heard(id: string, count = 1): Promise<readonly ReplyEnvelope[]> {
    await until(() => this.repliesTo(id).length >= count, `${id} is answered`, 60_000);
    return this.repliesTo(id);
  }
}
