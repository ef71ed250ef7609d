import { topics, type CaptureEvent } from '../../contract/mod.js';
import type { Clock } from '../../core/mod.js';
import type { Events } from './events.js';

/** 40 ids of 128 characters fit into one message. */
const MAX_IDS = 40;
const REASON_MAX_CHARS = 300;
/**
 * A device that captures each request would otherwise publish as often as it predicts, on the path of its replies.
 * Whoever can't wait so long asks `capture/status`.
 */
const GATHER_MS = 100;

type News = Omit<CaptureEvent, 'v' | 'captureIds'>;

/** Gathers what became of captures into few messages on `events/capture`. */
export class CaptureEvents {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #gathered = new Map<string, { readonly news: News; ids: string[] }>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, events: Events) {
    this.#clock = clock;
    this.#events = events;
  }

  tell(state: CaptureEvent['state'], captureIds: readonly string[], reason?: string): void {
    const news: News = {
      state,
      ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_MAX_CHARS) }),
    };
    const key = JSON.stringify(news);
    const held = this.#gathered.get(key) ?? { news, ids: [] };
    held.ids.push(...captureIds);
    this.#gathered.set(key, held);
    while (held.ids.length >= MAX_IDS) this.#send(news, held.ids.splice(0, MAX_IDS));
    this.#cancel ??= this.#clock.after(GATHER_MS, () => this.flush(), { unref: true });
  }

  /** Sends what waits. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const { news, ids } of this.#gathered.values()) if (ids.length > 0) this.#send(news, ids);
    this.#gathered.clear();
  }

  #send(news: News, captureIds: string[]): void {
    this.#events.send(topics.captureEvents, { v: 1, ...news, captureIds } satisfies CaptureEvent);
  }
}
