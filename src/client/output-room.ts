import { EdgeError } from '../core/mod.js';
import type { Reason } from '../contract/mod.js';

/** The file could not be had: perhaps the next outputs fit a message, and need none. */
const NO_FILE: ReadonlySet<Reason> = new Set([
  'EXCHANGE_FOLDERS_TAKEN',
  'EXCHANGE_FOLDER_READ_ONLY',
  'EXCHANGE_FOLDER_UNSEEN',
  'EXCHANGE_FULL',
  'FILE_DENIED',
  'FILE_UNUSABLE',
  'USER_DIFFERS',
]);

/**
 * Which models' outputs want room in a file, as far as their replies told. A model that was not heard of is asked
 * without: most outputs fit a message, and an app that does not see the agent's folder can then still predict.
 */
export class OutputRoom {
  readonly #models = new Set<string>();

  /**
   * Runs a prediction without room for outputs in a file, and again with it where the agent says that they need it.
   * @param filed true where a file is laid anyway
   */
  async give<T>(model: string, filed: boolean, run: (room: boolean) => Promise<T>): Promise<T> {
    if (filed) return await run(true);
    if (!this.#models.has(model)) {
      try {
        return await run(false);
      } catch (thrown) {
        if (!wantsRoom(thrown)) throw thrown;
        this.#models.add(model);
      }
    }
    try {
      return await run(true);
    } catch (thrown) {
      if (thrown instanceof EdgeError && NO_FILE.has(thrown.reason)) this.#models.delete(model);
      throw thrown;
    }
  }
}

function wantsRoom(thrown: unknown): boolean {
  if (!(thrown instanceof EdgeError)) return false;
  // An agent of before the reasons says no more than its code, and the field.
  const named = thrown.reason === 'INVALID_ARGUMENT' && thrown.field === 'outputFile';
  return named || thrown.reason === 'OUTPUT_ROOM_TOO_SMALL';
}
