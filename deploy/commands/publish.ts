import type { Command } from 'commander';
import { systemClock } from '../../src/system/mod.js';
import { AwsArtifacts, AwsComponents } from '../cloud/component-mod.js';
import { publish, readBuild } from '../publish/mod.js';
import { parseNumber, printJson, printLine } from './output.js';

interface Options {
  bucket: string;
  componentVersion?: string;
  region?: string;
  timeout: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('publish')
    .description('upload a build to S3 and create its component version; safe to repeat')
    .argument('[folder]', 'the build', 'greengrass-build')
    .requiredOption('-b, --bucket <name>', 'gets the artifacts; it must exist')
    .option('--component-version <version>', "in place of the recipe's")
    .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
    .option('--timeout <seconds>', 'until AWS has checked the version', parseNumber, 300)
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, options: Options) => {
      const { bucket, componentVersion, region, timeout, json } = options;
      const aws = region === undefined ? {} : { region };
      const components = new AwsComponents(aws);
      const artifacts = new AwsArtifacts(aws);
      try {
        const result = await publish({
          build: await readBuild(folder),
          bucket,
          components,
          artifacts,
          clock: systemClock,
          timeoutMs: timeout * 1000,
          ...(componentVersion === undefined ? {} : { version: componentVersion }),
          ...(json === true ? {} : { onStep: printLine }),
        });
        if (json === true) return printJson(result);
        const word = result.outcome === 'published' ? 'Published' : 'Already published:';
        printLine(`${word} ${result.name} ${result.version}`);
      } finally {
        components.close();
        artifacts.close();
      }
    });
}
