import type { FileRegion, Reason, WireTensor } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import type { WithBodyRoom } from '../ipc/mod.js';
import type { Attempt } from './calls.js';
import { isSeen, type ExchangeFile } from './exchange-file.js';
import { ExchangePool } from './exchange-pool.js';
import type { InlineForm } from './inline-form.js';

/** Why files do not reach the agent from where this app runs, such as a container. */
const NO_FOLDER: ReadonlySet<Reason> = new Set([
  'EXCHANGE_FOLDER_READ_ONLY',
  'EXCHANGE_FOLDER_UNSEEN',
  'FILE_DENIED',
  'USER_DIFFERS',
]);

/** How one part travels. */
export type Carrier = Pick<WireTensor, 'b64' | 'bytes' | 'file'>;

/** Parts on their way: a carrier each, and where outputs may go. */
export interface Laid {
  readonly carriers: readonly Carrier[];
  /** Room in a file for what no message holds. */
  readonly withRoom: WithBodyRoom;
  readonly file?: ExchangeFile;
  readonly output?: FileRegion;
}

type LaidFile = Awaited<ReturnType<ExchangeFile['lay']>>;

/**
 * Parts of requests, inline while everything fits, else all in one file of the exchange folder. Where the agent was
 * restarted its folders are new: the call that finds out fails as UNAVAILABLE, so that its repeat uses the new one.
 */
export class Carriers {
  readonly #folder: (timeoutMs: number) => Promise<string>;
  readonly #prefix: string;
  readonly #form: InlineForm;
  /** No file reaches the agent from here: what the request can hold goes in it. */
  #isFolderless = false;
  #pool: Promise<ExchangePool> | undefined;
  #pools = 0;

  /**
   * @param folder the exchange folder that the agent names at this time
   * @param prefix of file names, unique to this client
   * @param form of what goes inline
   */
  constructor(folder: (timeoutMs: number) => Promise<string>, prefix: string, form: InlineForm) {
    this.#folder = folder;
    this.#prefix = prefix;
    this.#form = form;
  }

  /**
   * Runs a request with its parts laid out and, where `outputBytes` is not 0, room for so many bytes of outputs: then
   * a file is laid even where the parts need none.
   */
  async carry<T>(
    parts: readonly Uint8Array[],
    outputBytes: number,
    attempt: Pick<Attempt, 'timeoutMs'>,
    run: (laid: Laid) => Promise<T>,
  ): Promise<T> {
    const { fits, holds, carrier } = this.#form;
    const inline = fits(parts);
    const inRequest = (): Promise<T> =>
      run({ carriers: parts.map(carrier), withRoom: this.withRoom(attempt) });
    if (inline && outputBytes === 0) return await inRequest();
    if (!holds(parts)) return await this.#inFile(parts, outputBytes, attempt, run);
    if (this.#isFolderless) return await inRequest();
    try {
      return await this.#inFile(parts, outputBytes, attempt, run);
    } catch (thrown) {
      if (!(thrown instanceof EdgeError && NO_FOLDER.has(thrown.reason))) throw thrown;
      return await inRequest().then(
        (result) => {
          this.#isFolderless = true;
          return result;
        },
        (again: unknown) => {
          // The outputs need the file after all: why there is none says what to do.
          throw again instanceof EdgeError && again.reason === 'OUTPUT_ROOM_TOO_SMALL' ? thrown : again;
        },
      );
    }
  }

  async #inFile<T>(
    parts: readonly Uint8Array[],
    outputBytes: number,
    attempt: Pick<Attempt, 'timeoutMs'>,
    run: (laid: Laid) => Promise<T>,
  ): Promise<T> {
    const { fits, carrier } = this.#form;
    const inline = fits(parts);
    return await this.#byFile(inline ? [] : parts, outputBytes, attempt, async (file, { inputs, output }) => {
      const carriers = inline ? parts.map(carrier) : inputs.map((region) => ({ file: region }));
      const withRoom: WithBodyRoom = async (use) => await use(await file.bodyRoom());
      return await run({ carriers, withRoom, file, ...(outputBytes === 0 ? {} : { output }) });
    });
  }

  /** Room for the bodies of a request that has no file of its own. */
  withRoom(attempt: Pick<Attempt, 'timeoutMs'>): WithBodyRoom {
    return (use) => this.#byFile([], 0, attempt, async (file) => await use(await file.bodyRoom()));
  }

  async #byFile<T>(
    parts: readonly Uint8Array[],
    outputBytes: number,
    attempt: Pick<Attempt, 'timeoutMs'>,
    run: (file: ExchangeFile, laid: LaidFile) => Promise<T>,
  ): Promise<T> {
    const pool = await this.#currentPool(attempt.timeoutMs);
    try {
      return await pool.use(async (file) => await file.lay(parts, outputBytes), run);
    } catch (thrown) {
      if (!(await this.#hasMoved(pool, thrown, attempt))) throw thrown;
      await this.#leave(pool);
      if (isGone(thrown)) await this.#checkSeen(attempt);
      throw new EdgeError(
        'EXCHANGE_FOLDER_MOVED',
        'Cannot pass tensors by file as the agent was restarted meanwhile',
        { cause: thrown },
      );
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = undefined;
    await pool?.close();
  }

  #currentPool(timeoutMs: number): Promise<ExchangePool> {
    if (this.#pool !== undefined) return this.#pool;
    const opening = this.#folder(timeoutMs).then(
      (folder) => new ExchangePool(folder, `${this.#prefix}-${this.#pools++}`),
    );
    this.#pool = opening;
    opening.catch(() => {
      if (this.#pool === opening) this.#pool = undefined;
    });
    return opening;
  }

  async #hasMoved(
    pool: ExchangePool,
    thrown: unknown,
    attempt: Pick<Attempt, 'timeoutMs'>,
  ): Promise<boolean> {
    if (!(thrown instanceof EdgeError)) return false;
    if (thrown.reason === 'EXCHANGE_FOLDER_UNKNOWN' || isGone(thrown)) return true;
    // An agent of before the reasons says no more than its code.
    return thrown.reason === 'INVALID_ARGUMENT' && (await this.#folder(attempt.timeoutMs)) !== pool.folder;
  }

  /** The folder is not there for us. Where the one that the agent names now is not either, it never will be. */
  async #checkSeen(attempt: Pick<Attempt, 'timeoutMs'>): Promise<void> {
    const folder = await this.#folder(attempt.timeoutMs);
    if (isSeen(folder)) return;
    throw new EdgeError(
      'EXCHANGE_FOLDER_UNSEEN',
      `Cannot pass tensors by file as this app does not see the agent's exchange folder ${folder}`,
      {
        nextStep:
          "Set the agent's 'exchangeFolder' and mount that folder at the same path: docs/devices/containers.md",
      },
    );
  }

  /** Other calls may have left it already, and use a new one by now. */
  async #leave(pool: ExchangePool): Promise<void> {
    const current = await this.#pool?.catch(() => undefined);
    if (current === pool) this.#pool = undefined;
    await pool.close();
  }
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof EdgeError && thrown.reason === 'EXCHANGE_FOLDER_MOVED';
}
