/** Ids that callers chose, of which the agent remembers whose they are. */
const MAX_IDS = 16_384;

/**
 * Whose capture ids are. An id is unique in a spool, but belongs to the component that used it first: its
 * use by one keeps nothing of another out of the spool. What was captured before the agent started, or longer ago than
 * the last 16,384 ids, is nobody's.
 */
export class CaptureOwners {
  readonly #owners = new Map<string, string>();

  note(captureId: string, component: string): void {
    // The oldest goes first: an id that is used anew is young again.
    this.#owners.delete(captureId);
    this.#owners.set(captureId, component);
    if (this.#owners.size <= MAX_IDS) return;
    for (const oldest of this.#owners.keys()) {
      this.#owners.delete(oldest);
      return;
    }
  }

  isForeign(captureId: string, component: string): boolean {
    const owner = this.#owners.get(captureId);
    return owner !== undefined && owner !== component;
  }
}
