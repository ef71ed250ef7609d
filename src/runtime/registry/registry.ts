import { checkedJson, messageOf, SerialQueue, validate, type Logger } from '../../core/mod.js';
import type { DurableFiles } from '../../disk/mod.js';
import { EMPTY_REGISTRY, RegistryState } from './schema.js';

export interface RegistryOptions {
  readonly file: string;
  readonly files: DurableFiles;
  readonly logger: Logger;
  /** What the agent's own package copies tell, where the file is damaged. */
  readonly rebuild: () => Promise<RegistryState>;
}

/**
 * What this device has admitted and serves, in one file.
 *
 * Invariants: the state in memory is never ahead of the disk; changes are pure functions, applied one after
 * another; a kill at any point leaves the state before a change or after it; what is written can be read again.
 * A damaged file is kept aside and the state rebuilt from package copies: it never keeps the agent from starting.
 */
export class Registry {
  readonly #options: RegistryOptions;
  #state: RegistryState;
  readonly #turns = new SerialQueue();

  private constructor(options: RegistryOptions, state: RegistryState) {
    this.#options = options;
    this.#state = state;
  }

  static async open(options: RegistryOptions): Promise<Registry> {
    const { file, files, logger } = options;
    const bytes = await files.read(file);
    if (bytes === undefined) return new Registry(options, asOfNew(await rebuilt(options)));
    try {
      const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      return new Registry(options, validate(RegistryState, parsed, 'Cannot read the registry'));
    } catch (thrown) {
      const aside = await files.setAside(file);
      logger.error('The registry is damaged: it is rebuilt from package copies', {
        aside,
        reason: messageOf(thrown),
      });
      return new Registry(options, await rebuilt(options));
    }
  }

  get state(): RegistryState {
    return this.#state;
  }

  /**
   * Applies a change after those before it, and resolves when it is on disk.
   * @throws what the disk throws, or INTERNAL for a change that could not be read again; the state is then as it was
   */
  async update(change: (state: RegistryState) => RegistryState): Promise<RegistryState> {
    return await this.#turns.run(async () => {
      const next = change(this.#state);
      if (next === this.#state) return next;
      const text = checkedJson(RegistryState, next, 'Cannot write the registry');
      await this.#options.files.write(this.#options.file, new TextEncoder().encode(text));
      this.#state = next;
      return next;
    });
  }
}

/** Where no agent has left anything, this is the first one. */
function asOfNew(state: RegistryState): RegistryState {
  return Object.keys(state.models).length === 0 ? { ...state, adminRestricted: true } : state;
}

async function rebuilt({ rebuild, logger }: RegistryOptions): Promise<RegistryState> {
  try {
    return await rebuild();
  } catch (thrown) {
    logger.error('Package copies cannot be read: the registry starts empty', { reason: messageOf(thrown) });
    return EMPTY_REGISTRY;
  }
}
