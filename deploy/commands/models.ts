import type { Command } from 'commander';
import { EdgeError } from '../../src/core/mod.js';
import { AwsArtifacts, AwsComponents } from '../cloud/component-mod.js';
import { listModels, modelHistory, type ModelVersion, type RegistrySource } from '../publish/mod.js';
import { printJson, printLine, printTable } from './output.js';

interface Options {
  region?: string;
  json?: boolean;
}

/** The registry of published models. */
export function register(program: Command): void {
  const models = program
    .command('models')
    .description('what is published, where it came from, where it is deployed');
  const sub = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
      .option('--json', 'print the result as JSON');

  sub('list', 'the newest published version of each model').action((options: Options) =>
    withRegistry(options, async (registry) => {
      const found = await listModels(registry);
      if (options.json === true) return printJson(found);
      printTable(
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
    }),
  );

  sub('show', "one version's origin, and where it is deployed")
    .argument('<model>', "the model's name or its component's")
    .argument('[version]', 'version of the model or of its component (default: the newest)')
    .action((name: string, version: string | undefined, options: Options) =>
      withRegistry(options, async (registry) => {
        const { versions, deployedTo } = await modelHistory(registry, name);
        const one = pick(versions, name, version);
        const targets = deployedTo.filter((target) => target.version === one.componentVersion);
        if (options.json === true) return printJson({ ...one, deployedTo: targets });
        printTable(['field', 'value'], Object.entries(one));
        for (const target of targets)
          printLine(`Deployed to ${target.targetArn} by ${target.deploymentName}`);
        if (targets.length === 0) printLine('Deployed nowhere');
      }),
    );

  sub('history', 'all published versions of a model, newest first')
    .argument('<model>', "the model's name or its component's")
    .action((name: string, options: Options) =>
      withRegistry(options, async (registry) => {
        const history = await modelHistory(registry, name);
        if (options.json === true) return printJson(history);
        printTable(
          ['version', 'published', 'commit', 'training job', 'data', 'deployed to'],
          history.versions.map((one) => [
            one.version,
            one.publishedAt.slice(0, 10),
            one.commit ?? '',
            one.trainingJob ?? '',
            one.data ?? '',
            history.deployedTo
              .filter((target) => target.version === one.componentVersion)
              .map((target) => target.targetArn.slice(target.targetArn.lastIndexOf('/') + 1))
              .join(', '),
          ]),
        );
      }),
    );
}

async function withRegistry(
  options: Options,
  act: (registry: RegistrySource) => Promise<void>,
): Promise<void> {
  const aws = options.region === undefined ? {} : { region: options.region };
  const components = new AwsComponents(aws);
  const artifacts = new AwsArtifacts(aws);
  try {
    await act({ components, artifacts });
  } finally {
    components.close();
    artifacts.close();
  }
}

function pick(versions: readonly ModelVersion[], name: string, version: string | undefined): ModelVersion {
  const found =
    version === undefined
      ? versions[0]
      : versions.find((one) => one.version === version || one.componentVersion === version);
  if (found !== undefined) return found;
  throw new EdgeError(
    'VERSION_NOT_FOUND',
    `Cannot find the version ${version} of ${name}: published are ${versions.map((one) => one.version).join(', ')}`,
  );
}
