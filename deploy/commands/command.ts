import type { CommandContext } from './context.js';
import type { Printer } from '../print/mod.js';

/** One run of one command. */
export interface Run extends CommandContext {
  readonly print: Printer;
}

/** What a command does with its arguments and options. @returns the exit code, where it is not 0 */
export type Action<Given extends unknown[]> = (run: Run, ...given: Given) => Promise<number | void>;

/** What commands register their options with. */
export interface CommandLine {
  /** The action as the parser of options calls it. */
  runs<Given extends unknown[]>(action: Action<Given>): (...given: Given) => Promise<void>;
  /** Reads an argument that names a file; `-` stays what it is. */
  readonly file: (path: string) => string;
  /** As `file`, for an option or argument that may stand more than once. */
  readonly files: (path: string, former: readonly string[] | undefined) => readonly string[];
}

/** Prints with what is in here only, so that a help costs no library. */
export class LazyCommandLine implements CommandLine {
  readonly #context: CommandContext;
  /** Of the action that ran. */
  exitCode = 0;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  runs<Given extends unknown[]>(action: Action<Given>): (...given: Given) => Promise<void> {
    return async (...given) => {
      const { Printer } = await import('../print/mod.js');
      const run = { ...this.#context, print: new Printer(this.#context) };
      this.exitCode = (await action(run, ...given)) ?? 0;
    };
  }

  readonly file = (path: string): string => (path === '-' ? path : this.#context.locate(path));

  readonly files = (path: string, former: readonly string[] | undefined): readonly string[] => [
    ...(former ?? []),
    this.file(path),
  ];
}
