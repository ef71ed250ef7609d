import type { CaptureState } from '../../contract/mod.js';

export interface CaptureStatus {
  readonly state: CaptureState;
  readonly reason?: string;
}

/**
 * What is known of each capture id. Queued and finished ones are bounded apart, oldest forgotten first, so that a
 * long time without network can't push out what has just been delivered, nor the other way round.
 */
export class Statuses {
  readonly #max: number;
  readonly #queued = new Map<string, CaptureStatus>();
  readonly #finished = new Map<string, CaptureStatus>();

  constructor(maxRemembered: number) {
    this.#max = maxRemembered;
  }

  has(captureId: string): boolean {
    return this.#queued.has(captureId) || this.#finished.has(captureId);
  }

  get(captureId: string): CaptureStatus {
    return this.#finished.get(captureId) ?? this.#queued.get(captureId) ?? { state: 'UNKNOWN' };
  }

  get full(): boolean {
    return this.#queued.size >= this.#max;
  }

  set(captureId: string, state: CaptureState, reason?: string): void {
    const status = reason === undefined ? { state } : { state, reason };
    const live = state === 'PENDING' || state === 'SPOOLED';
    (live ? this.#finished : this.#queued).delete(captureId);
    const into = live ? this.#queued : this.#finished;
    into.delete(captureId);
    into.set(captureId, status);
    if (into.size > this.#max) {
      const [oldest] = into.keys();
      if (oldest !== undefined) into.delete(oldest);
    }
  }
}
