import { toEdgeError, type EdgeError } from '../../core/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';

/** What follows Greengrass; a {@link HeldConfiguration} is one. */
export interface Follower {
  start(read: () => Promise<unknown>): Promise<void>;
  touched(read: () => Promise<unknown>): void;
  judge(raw: unknown): Promise<EdgeError | undefined>;
}

/**
 * Puts in force what Greengrass has now, and from then on each change. Changes that came while the connection was
 * away were told to nobody, so all is read again when it is back. Where the nucleus asks before it deploys, one that
 * would be refused lets its deployment fail.
 * @returns ends the following. Throws, and follows nothing, where the configuration cannot be read
 */
export async function followConfiguration(
  configuration: Follower,
  greengrass: GreengrassPort,
): Promise<() => Promise<void>> {
  const read = async (): Promise<unknown> => await readConfiguration(greengrass);
  const endChanges = await greengrass.onConfigurationChange([], () => configuration.touched(read));
  const endConnection = greengrass.onConnection((state) => {
    if (state === 'regained') configuration.touched(read);
  });
  const endJudging = await judgeBefore(configuration, greengrass);
  const end = async (): Promise<void> => {
    endConnection();
    await endJudging();
    await endChanges();
  };
  try {
    await configuration.start(read);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return end;
}

/** Nucleus lite does not ask: what is refused there stands in the log and in the heartbeat. */
async function judgeBefore(
  configuration: Follower,
  greengrass: GreengrassPort,
): Promise<() => Promise<void>> {
  try {
    return await greengrass.onConfigurationToValidate(
      async (raw) => (await configuration.judge(raw ?? {}))?.message,
    );
  } catch (thrown) {
    const { code } = toEdgeError(thrown);
    if (code === 'UNIMPLEMENTED') return async () => undefined;
    throw thrown;
  }
}

/** A component without any configuration is one with defaults. */
async function readConfiguration(greengrass: GreengrassPort): Promise<unknown> {
  try {
    return await greengrass.getConfiguration([]);
  } catch (thrown) {
    if (toEdgeError(thrown).code === 'NOT_FOUND') return {};
    throw thrown;
  }
}
