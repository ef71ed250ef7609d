import type { AwsOptions } from '../cloud/aws/mod.js';
import type { Output } from '../print/mod.js';

/** All that commands get of the process that they run in. */
export interface CommandContext {
  readonly out: Output;
  readonly error: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The path of a file that an argument names, seen from the working folder of the person. */
  readonly locate: (path: string) => string;
  /** Region, endpoint and credentials in place of what AWS's SDK finds in the process's environment. */
  readonly aws: AwsOptions;
  /** What was warned of so far; with `--json` it goes into the document of a failure. Default: nothing is collected. */
  readonly warnings?: readonly string[];
  /** Puts a question to a person; absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<string>;
  /** Draws what moves; absent where nobody looks at the output while it is written. */
  readonly screen?: NodeJS.WritableStream;
  /** Settles once the person, or the system, wants a command to end that goes on by itself. */
  readonly interrupted: () => Promise<void>;
}
