import type { Output } from './usage.js';

/**
 * `edge-manager local ...`: the agent's operations for people on the device.
 * @returns the exit code
 */
export async function runLocalCommand(args: readonly string[], output: Output): Promise<number> {
  // The usage is printed without the client, which takes its time to load.
  const { performLocalCommand } = await import('./local-commands.js');
  return performLocalCommand(args, output);
}
