import { writeFileDurably, join } from '../../disk/mod.js';
import { NATIVE_FOLDER_VARIABLE } from '../../system/mod.js';

export interface WrapperOptions {
  readonly workFolder: string;
  /** Node's own absolute path: components' PATH may lack it. */
  readonly node: string;
  readonly registerEntry: string;
  readonly localEntry: string;
  /** Where the agent's native files are mapped from: a model's own work folder needs no copy. */
  readonly nativeFolder: string;
}

/**
 * Places `<work>/bin/register`, which model components run, and `<work>/bin/edge-manager` for people. They are
 * replaced whole, as a model component may be starting one at this moment. Private: model components run as the
 * agent's own user.
 */
export async function placeWrappers({
  workFolder,
  node,
  registerEntry,
  localEntry,
  nativeFolder,
}: WrapperOptions): Promise<void> {
  const bin = join(workFolder, 'bin');
  const encoder = new TextEncoder();
  const script = (entry: string, rest: string): Uint8Array =>
    encoder.encode(
      `#!/bin/sh\nexport ${NATIVE_FOLDER_VARIABLE}=${quoted(nativeFolder)}\nexec ${quoted(node)} ${quoted(entry)} ${rest}"$@"\n`,
    );
  await writeFileDurably(join(bin, 'register'), script(registerEntry, ''), 0o700);
  await writeFileDurably(
    join(bin, 'edge-manager'),
    script(localEntry, `--work ${quoted(workFolder)} `),
    0o700,
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
