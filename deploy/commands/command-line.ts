import { Command, CommanderError } from 'commander';
import { LazyCommandLine, type CommandLine } from './command.js';
import * as app from './app.js';
import * as compile from './compile.js';
import type { CommandContext } from './context.js';
import * as deploy from './deploy.js';
import * as dev from './dev.js';
import * as device from './device.js';
import * as fleet from './fleet.js';
import * as inspect from './inspect.js';
import * as local from './local.js';
import * as models from './models.js';
import { WrongOption } from './options.js';
import * as packaging from './package.js';
import * as publish from './publish.js';
import * as report from './report.js';
import * as sign from './sign.js';
import * as verify from './verify.js';

interface CommandModule {
  register(program: Command, line: CommandLine): void;
}

/** In the order of the help. */
const COMMANDS: readonly CommandModule[] = [
  compile,
  packaging,
  sign,
  verify,
  inspect,
  publish,
  models,
  app,
  local,
  dev,
  fleet,
  device,
  deploy,
  report,
];

/**
 * Runs one command to its end. Commands register their options with nothing but the parser, and import what they need
 * once they run: a help costs the start of Node and little more.
 * @returns the exit code
 */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  const line = new LazyCommandLine(context);
  const program = new Command('edge-manager')
    .description('model management for edge devices on AWS IoT Greengrass v2')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      throw new VersionWanted();
    })
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.error.write(text),
    });
  for (const command of COMMANDS) command.register(program, line);
  try {
    await program.parseAsync(args, { from: 'user' });
    return line.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode;
    if (thrown instanceof VersionWanted) return await printVersion(context);
    await printFailure(thrown, context, args.includes('--json'));
    return 1;
  }
}

/** Ends the parsing of options: the parser would want the version at once, before anything is loaded. */
class VersionWanted extends Error {}

async function printVersion({ out }: CommandContext): Promise<number> {
  const { VERSION } = await import('../../src/system/mod.js');
  out.write(`${VERSION}\n`);
  return 0;
}

async function printFailure(thrown: unknown, context: CommandContext, asJson: boolean): Promise<void> {
  const { EdgeError } = await import('../../src/core/mod.js');
  const { Printer } = await import('../print/mod.js');
  const error = thrown instanceof WrongOption ? new EdgeError('OPTION_INVALID', thrown.message) : thrown;
  const print = new Printer(context);
  if (asJson) print.failureDocument(error, context.warnings);
  else print.failure(error);
}
