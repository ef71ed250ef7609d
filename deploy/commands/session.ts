import type { AwsArtifacts, AwsComponents } from '../cloud/components/mod.js';
import type { FleetCloud } from '../cloud/fleet/mod.js';
import type { Action, Run } from './command.js';

/** An action on AWS's clients, which are closed at its end. */
export function withCloud<Given extends unknown[]>(
  action: (run: Run, cloud: FleetCloud, ...given: Given) => Promise<number | void>,
): Action<Given> {
  return async (run, ...given) => {
    const { awsFleetCloud } = await import('../cloud/fleet/mod.js');
    const cloud = awsFleetCloud(run.aws);
    try {
      return await action(run, cloud, ...given);
    } finally {
      cloud.close();
    }
  };
}

/** Asks whether to go on with what was shown; `--yes` is the answer where nobody can be asked. */
export async function agreed({ ask }: Run, options: { readonly yes?: boolean }): Promise<boolean> {
  if (options.yes === true) return true;
  if (ask !== undefined) return (await ask('Go on? [y/N] ')).trim().toLowerCase() === 'y';
  const { EdgeError } = await import('../../src/core/mod.js');
  throw new EdgeError('NO_TERMINAL', 'Cannot ask as there is no terminal', {
    nextStep: 'Give --yes',
  });
}

/** Acts on published components and their artifacts; the clients are closed at the end. */
export async function withRegistry(
  { aws }: Run,
  { region }: { readonly region?: string },
  act: (registry: { components: AwsComponents; artifacts: AwsArtifacts }) => Promise<void>,
): Promise<void> {
  const cloud = await import('../cloud/components/mod.js');
  const options = region === undefined ? aws : { ...aws, region };
  const components = new cloud.AwsComponents(options);
  const artifacts = new cloud.AwsArtifacts(options);
  try {
    await act({ components, artifacts });
  } finally {
    components.close();
    artifacts.close();
  }
}
