import { messageOf, type Clock, type Logger } from '../../core/mod.js';
import type { HostProcess } from './host-process.js';
import type { LoadSpec } from './port/mod.js';
import { SpareRoom } from './spare-room.js';

/** What was loaded or lost has the machine first. */
const QUIET_MS = 1000;
/** After one that ended while it waited, as where memory is short: the kernel takes it first. */
const REST_MS = 60_000;
/** When what its start took is given back. */
const SETTLED_MS = 2000;

export interface SpareHostOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  /** Below which its room is made. */
  readonly folder: string;
  /** Starts one that is held to this folder, and makes itself ready to load. */
  readonly start: (room: string) => HostProcess;
}

/** A host that a model may have, and how the model is loaded there. */
export interface TakenSpare {
  readonly process: HostProcess;
  readonly spec: LoadSpec;
  /** The load is over, well or not: nothing of the copies is needed any more. */
  readonly loaded: () => void;
}

/**
 * One model host started ahead, with ONNX Runtime loaded and warm, for whichever model loses its own. It is held to
 * an empty folder before it starts, as Landlock can hold no process that runs threads already; what it is to load is
 * copied there. So it takes models that have a compiled graph, which those with large weights have not.
 */
export class SpareHost {
  readonly #options: SpareHostOptions;
  #waiting: { readonly process: HostProcess; readonly room: SpareRoom } | undefined;
  #cancel: (() => void) | undefined;
  #starting = false;
  #closed = false;
  #bytes: number | undefined;

  constructor(options: SpareHostOptions) {
    this.#options = options;
  }

  /** What it holds while it waits, in bytes; undefined: there is none, or it has just started. */
  get bytes(): number | undefined {
    return this.#waiting === undefined ? undefined : this.#bytes;
  }

  isWaiting(process: HostProcess): boolean {
    return this.#waiting?.process === process;
  }

  /** Sees to it that there is one soon. */
  prepare(afterMs = QUIET_MS): void {
    if (this.#closed || this.#starting || this.#waiting !== undefined || this.#cancel !== undefined) return;
    this.#cancel = this.#options.clock.after(
      afterMs,
      () => {
        this.#cancel = undefined;
        void this.#start();
      },
      { unref: true },
    );
  }

  /** Gives it away; undefined: there is none, or not for this model. */
  async take(spec: LoadSpec): Promise<TakenSpare | undefined> {
    const waiting = this.#waiting;
    if (waiting === undefined || spec.compiledDigest === undefined) return undefined;
    const { process, room } = waiting;
    // Nobody else may furnish its room meanwhile.
    this.#waiting = undefined;
    try {
      const own = await room.furnish(spec);
      if (own !== undefined) return { process, spec: own, loaded: () => this.#clear(room) };
      if (!this.#closed && !process.hasEnded) this.#waiting = waiting;
    } catch (thrown) {
      this.#options.logger.debug('The spare host cannot take the model', { reason: messageOf(thrown) });
    }
    if (this.#waiting !== waiting) this.#discard(process, room);
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    if (this.#waiting === undefined) return;
    const { process, room } = this.#waiting;
    this.#discard(process, room);
  }

  async #start(): Promise<void> {
    const { folder, start, clock, logger } = this.#options;
    this.#starting = true;
    try {
      const room = await SpareRoom.make(folder);
      if (this.#closed) return this.#clear(room);
      const process = start(room.path);
      this.#bytes = undefined;
      this.#waiting = { process, room };
      void process.exited.then(() => this.#ended(process, room));
      clock.after(SETTLED_MS, () => void this.#measure(process), { unref: true });
    } catch (thrown) {
      logger.warn('No spare model host can be started', { reason: messageOf(thrown) });
    } finally {
      this.#starting = false;
    }
  }

  async #measure(process: HostProcess): Promise<void> {
    const bytes = await process.measureBytes();
    if (this.isWaiting(process)) this.#bytes = bytes;
  }

  #ended(process: HostProcess, room: SpareRoom): void {
    if (!this.isWaiting(process)) return;
    this.#waiting = undefined;
    this.#clear(room);
    this.prepare(REST_MS);
  }

  #discard(process: HostProcess, room: SpareRoom): void {
    this.#waiting = undefined;
    process.kill({ kind: 'closed', sentence: 'The spare model host was closed' });
    this.#clear(room);
  }

  #clear(room: SpareRoom): void {
    room.remove().catch((thrown: unknown) => {
      this.#options.logger.warn('The room of a spare model host stays', { reason: messageOf(thrown) });
    });
  }
}
