import type { Command } from 'commander';
import type { ModelHistory, ModelVersion } from '../publish/mod.js';
import type { CommandLine, Run } from './command.js';
import { withRegistry } from './session.js';

interface Options {
  region?: string;
  json?: boolean;
}

/** The registry of published models. */
export function register(program: Command, line: CommandLine): void {
  const models = program
    .command('models')
    .description('what is published, where it came from, where it is deployed');
  const sub = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
      .option('--json', 'print the result as JSON');
  sub('list', 'the newest published version of each model').action(line.runs(list));
  sub('show', "one version's origin, and where it is deployed")
    .argument('<model>', "the model's name or its component's")
    .argument('[version]', 'version of the model or of its component (default: the newest)')
    .action(line.runs(show));
  sub('history', 'all published versions of a model, newest first')
    .argument('<model>', "the model's name or its component's")
    .action(line.runs(history));
}

async function list(run: Run, options: Options): Promise<void> {
  const { listModels } = await import('../publish/mod.js');
  await withRegistry(run, options, async (registry) => {
    const found = await listModels(registry);
    if (options.json === true) return run.print.json(found);
    run.print.table(
      ['model', 'version', 'component version', 'state', 'published', 'digest'],
      found.map((one) => [
        one.model,
        one.version,
        one.componentVersion,
        one.state,
        one.publishedAt.slice(0, 10),
        one.digest.slice(0, 12),
      ]),
    );
  });
}

async function show(run: Run, name: string, version: string | undefined, options: Options): Promise<void> {
  const { modelHistory, versionIn } = await import('../publish/mod.js');
  const { print } = run;
  await withRegistry(run, options, async (registry) => {
    const { versions, deployedTo } = await modelHistory(registry, name);
    const one = versionIn(versions, name, version);
    const targets = deployedTo.filter((target) => target.version === one.componentVersion);
    if (options.json === true) return print.json({ ...one, deployedTo: targets });
    print.table(['field', 'value'], Object.entries(one));
    for (const target of targets) print.line(`Deployed to ${target.targetArn} by ${target.deploymentName}`);
    if (targets.length === 0) print.line('Deployed nowhere');
  });
}

async function history(run: Run, name: string, options: Options): Promise<void> {
  const { modelHistory } = await import('../publish/mod.js');
  await withRegistry(run, options, async (registry) => {
    const found = await modelHistory(registry, name);
    if (options.json === true) return run.print.json(found);
    run.print.table(
      ['version', 'published', 'commit', 'training job', 'data', 'deployed to'],
      found.versions.map((one) => [
        one.version,
        one.publishedAt.slice(0, 10),
        one.commit ?? '',
        one.trainingJob ?? '',
        one.data ?? '',
        groupsWith(one, found),
      ]),
    );
  });
}

function groupsWith({ componentVersion }: ModelVersion, { deployedTo }: ModelHistory): string {
  return deployedTo
    .filter((target) => target.version === componentVersion)
    .map((target) => target.targetArn.slice(target.targetArn.lastIndexOf('/') + 1))
    .join(', ');
}
