import type { Command } from 'commander';
import type { CommandLine, Run } from './command.js';
import { parseNumber } from './options.js';
import { withRegistry } from './session.js';

interface Options {
  bucket: string;
  componentVersion?: string;
  region?: string;
  timeout: number;
  json?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  program
    .command('publish')
    .description('upload a build to S3 and create its component version; safe to repeat')
    .argument('[folder]', 'the build', line.file, line.file('greengrass-build'))
    .requiredOption('-b, --bucket <name>', 'gets the artifacts; it must exist')
    .option('--component-version <version>', "in place of the recipe's")
    .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
    .option('--timeout <seconds>', 'until AWS has checked the version', parseNumber, 300)
    .option('--json', 'print the result as JSON')
    .action(line.runs(publishBuild));
}

async function publishBuild(run: Run, folder: string, options: Options): Promise<void> {
  const { bucket, componentVersion, timeout, json } = options;
  const { print } = run;
  const { systemClock } = await import('../../src/system/mod.js');
  const { publish, readBuild } = await import('../publish/mod.js');
  await withRegistry(run, options, async ({ components, artifacts }) => {
    const build = await readBuild(folder);
    const { warnings } = build;
    if (json !== true) for (const warning of warnings) print.aside(`Warning: ${warning}`);
    const result = await publish({
      build,
      bucket,
      components,
      artifacts,
      clock: systemClock,
      timeoutMs: timeout * 1000,
      ...(componentVersion === undefined ? {} : { version: componentVersion }),
      ...(json === true ? {} : { onStep: (text) => print.line(text) }),
    });
    if (json === true) return print.json({ ...result, warnings });
    const word = result.outcome === 'published' ? 'Published' : 'Already published:';
    print.line(`${word} ${result.name} ${result.version}`);
  });
}
