import type { OwnersLog } from './owners-log.js';

/** Ids that callers chose, of which the agent remembers whose they are. */
const MAX_IDS = 16_384;

/** An id while the request that names it is under way. */
export interface Claim {
  /** There is, or may be, a capture under it: it stays its component's, over restarts too. */
  keep(): void;
  /** The request has ended: without a capture, the id is nobody's again. */
  end(): void;
}

export const NO_CLAIM: Claim = { keep: () => undefined, end: () => undefined };

/**
 * Whose capture ids are. An id is unique in a spool, but belongs to the component that used it first: its
 * use by one keeps nothing of another out of the spool. Of more than 16,384 ids the oldest of the component that has
 * most are nobody's again, and so are those of the last moments before a power cut.
 */
export class CaptureOwners {
  readonly #owners = new Map<string, string>();
  /** By component, the oldest first. */
  readonly #ids = new Map<string, Set<string>>();
  /** Claimed, and not on disk. */
  readonly #unwritten = new Set<string>();
  readonly #log: Pick<OwnersLog, 'append'>;

  /** @param log what keeps them over restarts; what it held is taken in */
  constructor(log: Pick<OwnersLog, 'append' | 'entries'>) {
    this.#log = log;
    for (const [captureId, component] of log.entries) this.#put(captureId, component);
  }

  note(captureId: string, component: string): void {
    const isNew = this.#put(captureId, component);
    if (this.#unwritten.delete(captureId) || isNew) this.#write(captureId, component);
  }

  /** Notes it in memory alone: most requests are not captured, and a line on disk for each would cost them all. */
  claim(captureId: string, component: string): Claim {
    const isNew = this.#put(captureId, component);
    if (isNew) this.#unwritten.add(captureId);
    return {
      keep: () => this.note(captureId, component),
      end: () => {
        const isOwn = isNew && this.#owners.get(captureId) === component;
        if (isOwn && this.#unwritten.delete(captureId)) this.#drop(captureId, component);
      },
    };
  }

  #write(captureId: string, component: string): void {
    this.#log.append([captureId, component], () => this.#owners);
  }

  isForeign(captureId: string, component: string): boolean {
    const owner = this.#owners.get(captureId);
    return owner !== undefined && owner !== component;
  }

  /** False where that is known already. */
  #put(captureId: string, component: string): boolean {
    const before = this.#owners.get(captureId);
    if (before !== undefined) this.#drop(captureId, before);
    this.#owners.set(captureId, component);
    // An id that is used anew is young again.
    this.#ids.set(component, (this.#ids.get(component) ?? new Set()).add(captureId));
    if (this.#owners.size > MAX_IDS) this.#forgetOne();
    return before !== component;
  }

  #forgetOne(): void {
    const most = Math.max(...[...this.#ids.values()].map(({ size }) => size));
    for (const [component, ids] of this.#ids) {
      const [oldest] = ids;
      if (ids.size !== most || oldest === undefined) continue;
      this.#drop(oldest, component);
      this.#unwritten.delete(oldest);
      return;
    }
  }

  #drop(captureId: string, component: string): void {
    this.#owners.delete(captureId);
    const ids = this.#ids.get(component);
    ids?.delete(captureId);
    if (ids?.size === 0) this.#ids.delete(component);
  }
}
