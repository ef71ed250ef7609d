import { heartbeatTopic, type HeartbeatDocument } from '../contract/mod.js';
import { EdgeError, fullJitterMs, type Clock, type Logger, type Random } from '../core/mod.js';
import { heartbeatKey, heartbeatPayload, heartbeatReport } from './report.js';

/** The one operation of GreengrassPort that a heartbeat needs. */
export interface HeartbeatPublisher {
  publishToIotCore(topic: string, payload: Uint8Array): Promise<void>;
}

export interface HeartbeatOptions {
  readonly greengrass: HeartbeatPublisher;
  readonly thingName: string;
  /** Called for each heartbeat; must be cheap. */
  readonly collect: () => HeartbeatDocument;
  /** Between heartbeats without a change: 1 to 1440. The traffic and its cost stand in docs/scale.md. */
  readonly intervalMinutes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface Heartbeat {
  /** Something that a report shows may have changed: sends soon if it did. */
  changed(): void;
  /** Ends the heartbeat; a message under way is not waited for, as a nucleus without network may never answer. */
  close(): void;
}

/** Changes come in bursts (load, switch, probation): they leave together. Keeps AWS's rate per shadow too. */
const QUIET_MS = 1_000;
const RETRY = { baseMs: 5_000, capMs: 600_000 } as const;

/**
 * Reports at start, on change and every `intervalMinutes`, each pause shortened by up to a fifth at random, so
 * that a fleet that booted together does not report together. A report that could not be sent is collected and
 * sent again with backoff: only the newest counts, nothing is queued.
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  if (!(options.intervalMinutes >= 1 && options.intervalMinutes <= 1440)) {
    throw new EdgeError(
      'CONFIGURATION_INVALID',
      `Cannot start the heartbeat as 'intervalMinutes' must be between 1 and 1440: current value is ${options.intervalMinutes}`,
      { field: 'intervalMinutes' },
    );
  }
  return new RunningHeartbeat(options);
}

class RunningHeartbeat implements Heartbeat {
  readonly #options: HeartbeatOptions;
  #cancel: () => void = () => undefined;
  #dueMs = Infinity;
  #sentKey: string | undefined;
  #sending = false;
  #again = false;
  #failures = 0;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#schedule(options.random.fraction() * QUIET_MS);
  }

  changed(): void {
    if (this.#sending) this.#again = true;
    else if (this.#failures === 0) this.#sendOnChange();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #sendOnChange(): void {
    if (this.#closed || heartbeatKey(this.#options.collect()) === this.#sentKey) return;
    if (this.#dueMs - this.#options.clock.monotonicMs() > QUIET_MS) this.#schedule(QUIET_MS);
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#cancel = clock.after(delayMs, () => void this.#send(), { unref: true });
  }

  async #send(): Promise<void> {
    const { greengrass, thingName, collect, clock, random, logger, intervalMinutes } = this.#options;
    this.#sending = true;
    this.#again = false;
    try {
      const document = collect();
      const report = heartbeatReport(document, clock.wallMs(), intervalMinutes);
      await greengrass.publishToIotCore(heartbeatTopic(thingName), heartbeatPayload(report));
      this.#sentKey = heartbeatKey(document);
      this.#failures = 0;
      this.#schedule(intervalMinutes * 60_000 * (1 - random.fraction() / 5));
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) logger.warn('Cannot send the heartbeat: it is sent again later', { error });
      this.#schedule(RETRY.baseMs + fullJitterMs(this.#failures, RETRY, random));
    } finally {
      this.#sending = false;
    }
    if (this.#again && this.#failures === 0) this.#sendOnChange();
  }
}
