import { Type } from '@sinclair/typebox';
import { AGENT_RETURNED_ID, parseReplyTopic, type AgentReturned } from '../../contract/mod.js';
import { checkedJson, messageOf, validate, type Clock, type Logger } from '../../core/mod.js';
import type { DurableFiles } from '../../disk/mod.js';
import { encodeMessage } from '../../ipc/mod.js';
import type { Publish } from './events.js';

/** Each is one message at every start. */
const MAX_CLIENTS = 128;
/** A component that starts over and over leaves one behind each time. */
const MAX_OF_COMPONENT = 8;
/** Components of a core start together: one write holds them all. */
const WRITE_SOON_MS = 200;
/** Whoever makes clients without end wears out no flash. */
const WRITE_PAUSE_MS = 10_000;

const KnownClientsFile = Type.Object({
  v: Type.Literal(1),
  replyTopics: Type.Array(Type.String({ minLength: 1, maxLength: 250 }), { maxItems: MAX_CLIENTS }),
});

export interface KnownClientsOptions {
  readonly file: string;
  readonly files: Pick<DurableFiles, 'read' | 'write'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly logger: Logger;
}

/**
 * Reply topics of those who asked, over restarts of the agent: they hear that it is back, and need not wait until
 * their patience is over before they send again what it may have lost. Who was silent longest goes first, of one
 * component beyond {@link MAX_OF_COMPONENT} and of all beyond {@link MAX_CLIENTS}. It is a help and no promise: what
 * is not written, or was forgotten, is sent again later.
 */
export class KnownClients {
  readonly #options: KnownClientsOptions;
  /** Reply topics with their components, in order of use. */
  readonly #topics: Map<string, string>;
  #writing: Promise<void> | undefined;
  #cancelWrite: (() => void) | undefined;
  #writtenMs = -Infinity;

  private constructor(options: KnownClientsOptions, topics: readonly string[]) {
    this.#options = options;
    this.#topics = new Map(topics.map((topic) => [topic, componentOf(topic)]));
  }

  static async open(options: KnownClientsOptions): Promise<KnownClients> {
    const { file, files, logger } = options;
    try {
      const bytes = await files.read(file);
      const { replyTopics } =
        bytes === undefined
          ? { replyTopics: [] }
          : validate(
              KnownClientsFile,
              JSON.parse(Buffer.from(bytes).toString('utf8')),
              'Cannot read who asked',
            );
      return new KnownClients(
        options,
        replyTopics.filter((topic) => parseReplyTopic(topic) !== undefined),
      );
    } catch (thrown) {
      logger.warn('Who asked before is not known: they ask again in their own time', {
        reason: messageOf(thrown),
      });
      return new KnownClients(options, []);
    }
  }

  /** In order of use, who asked last in front. */
  get replyTopics(): readonly string[] {
    return [...this.#topics.keys()].toReversed();
  }

  /** A request came, with a well-formed reply topic. */
  heard(replyTopic: string, component: string): void {
    const isNew = !this.#topics.delete(replyTopic);
    this.#topics.set(replyTopic, component);
    if (!isNew) return;
    this.#makeRoom(component);
    this.#writeSoon();
  }

  /** Says to all that the agent is back; resolves when it was said. What fails is lost. */
  async tellReturn(publish: Publish): Promise<void> {
    const said: AgentReturned = { v: 1, id: AGENT_RETURNED_ID, ok: true, body: {} };
    const payload = encodeMessage(said);
    for (const topic of this.replyTopics) {
      try {
        await publish(topic, payload);
      } catch (thrown) {
        this.#options.logger.debug('Somebody does not hear that the agent is back', {
          topic,
          reason: messageOf(thrown),
        });
      }
    }
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    await this.#writing;
    if (this.#cancelWrite === undefined) return;
    this.#cancelWrite();
    await this.#write();
  }

  #makeRoom(component: string): void {
    const own = [...this.#topics].flatMap(([topic, of]) => (of === component ? [topic] : []));
    for (const topic of own.slice(0, -MAX_OF_COMPONENT)) this.#topics.delete(topic);
    for (const topic of this.#topics.keys()) {
      if (this.#topics.size <= MAX_CLIENTS) break;
      this.#topics.delete(topic);
    }
  }

  #writeSoon(): void {
    if (this.#cancelWrite !== undefined) return;
    const { clock } = this.#options;
    const sinceMs = clock.monotonicMs() - this.#writtenMs;
    const delayMs = Math.max(WRITE_SOON_MS, WRITE_PAUSE_MS - sinceMs);
    this.#cancelWrite = clock.after(delayMs, () => (this.#writing = this.#write()), { unref: true });
  }

  async #write(): Promise<void> {
    const { file, files, clock, logger } = this.#options;
    this.#cancelWrite = undefined;
    this.#writtenMs = clock.monotonicMs();
    const content = { v: 1 as const, replyTopics: [...this.#topics.keys()] };
    try {
      await files.write(file, Buffer.from(checkedJson(KnownClientsFile, content, 'Cannot write who asked')));
    } catch (thrown) {
      logger.debug('Who asks is not known over a restart', { reason: messageOf(thrown) });
    }
  }
}

function componentOf(topic: string): string {
  return parseReplyTopic(topic)?.component ?? '';
}
