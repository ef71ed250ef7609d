import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, validate, type JsonObject } from '../../core/mod.js';
import { nodeFiles } from '../../disk/mod.js';

/** What a nucleus must find again when it starts on the same root. */
const SavedStateSchema = Type.Object(
  {
    format: Type.Literal(1),
    /** In start order. */
    components: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          version: Type.String(),
          recipe: Type.String(),
          isRoot: Type.Boolean(),
        },
        { additionalProperties: false },
      ),
    ),
    configurations: Type.Record(Type.String(), Type.Unsafe<JsonObject>({ type: 'object' })),
    /** The Java nucleus keeps the address of the token exchange over its own starts, and goes on telling the old one. */
    tokenExchangeUrl: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type SavedState = Static<typeof SavedStateSchema>;

/** @returns undefined on a new root */
export async function loadState(path: string): Promise<SavedState | undefined> {
  const bytes = await nodeFiles.read(path);
  if (bytes === undefined) return undefined;
  const what = `Cannot read the nucleus's state in ${path}`;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new EdgeError('FILE_UNUSABLE', `${what} as it is not JSON`, {
      cause: error,
      nextStep: 'Remove the file to start with an empty nucleus',
    });
  }
  return validate(SavedStateSchema, value, what);
}

/** Saves one state after the other; while one is written, only the newest of the others is kept. */
export class StateSaver {
  readonly #path: string;
  readonly #current: () => SavedState;
  #isDirty = false;
  #writing: Promise<void> | undefined;

  constructor(path: string, current: () => SavedState) {
    this.#path = path;
    this.#current = current;
  }

  /** Resolves when the state of now, or a later one, is on the disk. */
  save(): Promise<void> {
    this.#isDirty = true;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Resolves when nothing is written any more, well or not. */
  async idle(): Promise<void> {
    await this.#writing?.catch(() => undefined);
  }

  async #drain(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const text = JSON.stringify(this.#current(), undefined, 2);
      await nodeFiles.write(this.#path, new TextEncoder().encode(text));
    }
  }
}
