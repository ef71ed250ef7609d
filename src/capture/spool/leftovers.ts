import { messageOf } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import type { Priority } from '../captured/priority.js';
import type { ClosedSegments } from './closed-segments.js';
import type { Fates } from './fates.js';
import type { FinishedSegments } from './finished-segments.js';
import type { Housekeeping } from './housekeeping.js';
import type { SpoolFolders } from './layout.js';
import { timeReference } from './new-segment.js';
import type { GivenUp } from './open-segment.js';
import type { SpoolSettings } from './options.js';
import type { Quarantine } from './quarantine.js';
import { recoverOpenFile } from './recovery.js';
import { parseOpenName, type OpenName } from './segment-name.js';
import { Timer } from './timer.js';

const RETRY_MS = 2000;

export interface LeftoversParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly fates: Fates;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly quarantine: Quarantine;
  readonly housekeeping: Housekeeping;
}

interface Leftover {
  readonly name: OpenName;
  readonly sizeBytes: number;
  /** How many of its records count; undefined where it could not be read at start. */
  readonly records: number | undefined;
}

/**
 * Files in `open/` that take no more: a kill or a power cut left them, or a writer gave them up on a sick disk. What
 * counts of them becomes a closed segment, at start or as soon as the disk lets it.
 */
export class Leftovers {
  readonly #parts: LeftoversParts;
  readonly #waiting = new Map<string, Leftover>();
  readonly #retry: Timer;
  #isClosed = false;

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
    this.#retry = new Timer(parts.settings.clock, () => void this.#retryNow(), { unref: true });
  }

  add(file: Pick<GivenUp, 'name' | 'sizeBytes' | 'records'>): void {
    this.#wait(file);
  }

  bytes(priority: Priority): number {
    return this.#sum(({ name, sizeBytes }) => (name.priority === priority ? sizeBytes : 0));
  }

  get records(): number {
    return this.#sum(({ records }) => records ?? 0);
  }

  /** Looks at all that is in `open/`, before any writer writes there. @returns those that could not be read yet */
  async open(): Promise<OpenName[]> {
    const { settings, folders } = this.#parts;
    for (const file of (await settings.disk.list(folders.open)).sort()) {
      const name = parseOpenName(file);
      if (name === undefined) await this.#clean(file);
      else if (!(await this.#recover(file, { name, sizeBytes: 0, records: undefined }))) {
        this.#wait({ name, sizeBytes: 0, records: undefined });
      }
    }
    return [...this.#waiting.values()].map(({ name }) => name);
  }

  /** Tries those again that wait. A turn of housekeeping. */
  async recover(): Promise<void> {
    const { settings, folders } = this.#parts;
    for (const [base, leftover] of this.#waiting) {
      const names = await settings.disk.list(folders.open);
      const file = names.find((name) => name === base || name.startsWith(`${base}.cut`));
      if (file === undefined || (await this.#recover(file, leftover))) this.#waiting.delete(base);
    }
    this.#retry.stop();
    if (this.#waiting.size > 0 && !this.#isClosed) this.#retry.start(RETRY_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#retry.stop();
  }

  #wait(leftover: Leftover): void {
    this.#waiting.set(leftover.name.base, leftover);
    if (!this.#isClosed) this.#retry.start(RETRY_MS);
  }

  async #retryNow(): Promise<void> {
    await this.#parts.housekeeping.try(() => this.recover(), undefined);
  }

  async #clean(file: string): Promise<void> {
    const { settings, folders } = this.#parts;
    const path = join(folders.open, file);
    try {
      if (/^\..*\.tmp$/.test(file)) await settings.disk.remove(path);
      else settings.log.warn('A file that is no segment is left alone', { path });
    } catch (error) {
      settings.log.warn('A file could not be removed yet', { path, cause: messageOf(error) });
    }
  }

  /** False where the disk did not let it be recovered now. */
  async #recover(file: string, leftover: Leftover): Promise<boolean> {
    const { settings, folders, closed, finished } = this.#parts;
    const { base } = leftover.name;
    const path = join(folders.open, file);
    try {
      // Its closed segment is there, or was there and is finished: this is what a kill left of the way there.
      if (closed.has(base) || finished.has(base)) await settings.disk.remove(path);
      else await this.#close(file, leftover);
      return true;
    } catch (error) {
      settings.log.warn('A segment could not be recovered yet', { path, cause: messageOf(error) });
      return false;
    }
  }

  async #close(file: string, { name, records }: Leftover): Promise<void> {
    const { settings, folders, fates, closed, quarantine } = this.#parts;
    const context = {
      disk: settings.disk,
      root: folders.root,
      quarantine,
      fallback: settings.policy.current.layout,
      nowMs: settings.clock.wallMs(),
      reference: timeReference(settings),
    };
    const recovered = await recoverOpenFile(context, file, name);
    const left = recovered.captureIds.length;
    const lost = records === undefined ? recovered.lost : Math.max(0, records - left);
    if (records === undefined) fates.found(left + lost);
    if (recovered.name !== undefined) {
      closed.add({ name: recovered.name, sinceMs: settings.clock.monotonicMs() });
    }
    for (const id of recovered.captureIds) fates.queued(id);
    await fates.lost(lost);
  }

  #sum(of: (leftover: Leftover) => number): number {
    let sum = 0;
    for (const leftover of this.#waiting.values()) sum += of(leftover);
    return sum;
  }
}
