import { createInterface } from 'node:readline/promises';
import { EdgeError } from '../../src/core/mod.js';
import { awsFleetCloud, type FleetAdminCloud } from '../cloud/fleet-mod.js';

/** Runs an action on AWS's clients, as the environment has them, and closes them. */
export async function withCloud(action: (cloud: FleetAdminCloud) => Promise<void>): Promise<void> {
  const cloud = awsFleetCloud();
  try {
    await action(cloud);
  } finally {
    cloud.close();
  }
}

/** Asks whether to go on with what was shown; `--yes` is the answer where nobody can be asked. */
export async function agreed(options: { readonly yes?: boolean }): Promise<boolean> {
  if (options.yes === true) return true;
  if (!process.stdin.isTTY) {
    throw new EdgeError('NO_TERMINAL', 'Cannot ask as there is no terminal', {
      nextStep: 'Give --yes',
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question('Go on? [y/N] ')).trim().toLowerCase() === 'y';
  } finally {
    prompt.close();
  }
}
