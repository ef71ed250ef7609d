import { REPLAY_LIMIT, REPLAY_WINDOW_MS, type ReplyEnvelope } from '../contract/mod.js';
import type { Clock } from '../core/mod.js';

/** Far more than the components of a core, each with some starts in a minute. */
const MAX_CLIENTS = 512;
/** Over all clients: what a control process on a small device can spare. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What an answer takes beside its text. */
const ENTRY_BYTES = 512;

/** One start of a component. */
export interface ReplayClient {
  /** Unique within its component. */
  readonly name: string;
  readonly component: string;
}

interface Entry {
  readonly expiresMs: number;
  readonly reply: Promise<ReplyEnvelope>;
  /** {@link ENTRY_BYTES} alone while the answer is under way. */
  bytes: number;
}

interface Client {
  readonly name: string;
  readonly component: string;
  readonly entries: Map<string, Entry>;
  bytes: number;
  underWay: number;
  /** When the last of them expires. */
  expiresMs: number;
}

/**
 * Answers by client and id, so that a request that is sent again (its reply was lost) runs once.
 * Bounded: at most {@link REPLAY_LIMIT} answers a client, each for {@link REPLAY_WINDOW_MS}, and
 * {@link MAX_CLIENTS} clients and {@link MAX_BYTES} over all. Beyond that the component that has most gives way, first
 * with what was silent longest: one that starts or asks without end costs the others nothing. What is under way is
 * never let go of.
 * Whoever has been silent for longer than that window goes with the next request of anybody.
 */
export class ReplayCache {
  readonly #clock: Clock;
  /** In order of use: who was silent longest stands in front. */
  readonly #clients = new Map<string, Client>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Clients of which it remembers answers. */
  get size(): number {
    return this.#clients.size;
  }

  /** About what all remembered answers take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The remembered answer, or that of `run`, which then is remembered. `again` tells a repetition. */
  answer(
    { name, component }: ReplayClient,
    id: string,
    run: () => Promise<ReplyEnvelope>,
  ): { reply: Promise<ReplyEnvelope>; again: boolean } {
    const now = this.#clock.monotonicMs();
    const client = this.#client(name, component, now);
    const { entries } = client;
    const known = entries.get(id);
    if (known !== undefined) return { reply: known.reply, again: true };
    const reply = run();
    client.expiresMs = now + REPLAY_WINDOW_MS;
    const entry = { expiresMs: client.expiresMs, reply, bytes: 0 };
    entries.set(id, entry);
    client.underWay += 1;
    this.#grow(client, entry, ENTRY_BYTES);
    this.#measure(client, id, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= REPLAY_LIMIT) break;
      this.#drop(client, oldest);
    }
    return { reply, again: false };
  }

  /** The client has gone: nobody will ask again. */
  forget(name: string): void {
    for (const [key, client] of this.#clients) if (client.name === name) this.#remove(key, client);
  }

  #remove(key: string, client: Client): void {
    this.#clients.delete(key);
    this.#bytes -= client.bytes;
    client.entries.clear();
  }

  #client(name: string, component: string, now: number): Client {
    // By both: whoever names another component's client hears nothing of its answers.
    const key = JSON.stringify([component, name]);
    const fresh = { name, component, entries: new Map<string, Entry>(), bytes: 0, underWay: 0, expiresMs: 0 };
    const client = this.#clients.get(key) ?? fresh;
    this.#clients.delete(key);
    this.#dropSilent(now);
    this.#clients.set(key, client);
    // Insertion order is expiry order: the expired stand in front.
    for (const [id, entry] of client.entries) {
      if (entry.expiresMs > now) break;
      this.#drop(client, id);
    }
    return client;
  }

  /** Counts an answer's text once it is there; whoever waits for it hears of its failure itself. */
  #measure(client: Client, id: string, entry: Entry): void {
    const ended = (): void => {
      client.underWay -= 1;
    };
    entry.reply.then((reply) => {
      ended();
      if (client.entries.get(id) !== entry) return;
      if (isUnheard(reply)) {
        this.#drop(client, id);
        return;
      }
      this.#grow(client, entry, weightOf(reply));
      while (this.#bytes > MAX_BYTES && this.#giveWay());
    }, ended);
  }

  #grow(client: Client, entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    client.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Lets go of one answer of the component that has most; false where nobody can give way. */
  #giveWay(): boolean {
    const settled = [...this.#clients].flatMap(([key, client]) => {
      const id = oldestSettled(client);
      return id === undefined ? [] : [{ key, client, id, component: client.component }];
    });
    const first = ofMost(settled, ({ client }) => client.bytes);
    if (first === undefined) return false;
    this.#drop(first.client, first.id);
    if (first.client.entries.size === 0) this.#clients.delete(first.key);
    return true;
  }

  #drop(client: Client, id: string): void {
    const bytes = client.entries.get(id)?.bytes ?? 0;
    this.#bytes -= bytes;
    client.bytes -= bytes;
    client.entries.delete(id);
  }

  #dropSilent(now: number): void {
    for (const [key, client] of this.#clients) {
      if (client.expiresMs > now) break;
      this.#remove(key, client);
    }
    if (this.#clients.size < MAX_CLIENTS) return;
    const idle = [...this.#clients]
      .filter(([, { underWay }]) => underWay === 0)
      .map(([key, client]) => ({ key, client, component: client.component }));
    const first = ofMost(idle, () => 1);
    if (first !== undefined) this.#remove(first.key, first.client);
  }
}

/** Nobody waited for it any more, and it was not run: whoever asks again under the same id is answered anew. */
function isUnheard(reply: ReplyEnvelope): boolean {
  return !reply.ok && reply.error.reason === 'CLOSED';
}

/** About what a value takes in memory. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce<number>((sum, one) => sum + 16 + weightOf(one), 0);
}

function oldestSettled({ entries }: Client): string | undefined {
  for (const [id, { bytes }] of entries) if (bytes > ENTRY_BYTES) return id;
  return undefined;
}

/** The first one of the component that has most by this measure. */
function ofMost<T extends { readonly component: string }>(
  all: readonly T[],
  measure: (one: T) => number,
): T | undefined {
  const sums = new Map<string, number>();
  for (const one of all) sums.set(one.component, (sums.get(one.component) ?? 0) + measure(one));
  const most = Math.max(...sums.values());
  return all.find(({ component }) => sums.get(component) === most);
}
