import type { Command } from 'commander';
import { runLocalCommand } from '../../src/client/local/mod.js';
import { printLine } from './output.js';

/** The device's own commands, for an agent on this machine: the same code as on the device. */
export function register(program: Command): void {
  program
    .command('local')
    .description(
      'talk to an agent on this machine by its admin socket: list, describe, stats, load, unload, predict',
    )
    .helpOption(false)
    .allowUnknownOption()
    .argument('[args...]', 'see edge-manager local --help')
    .action(async (_args: string[], _options: unknown, command: Command) => {
      process.exitCode = await runLocalCommand(command.args, {
        out: printLine,
        error: (line) => process.stderr.write(`${line}\n`),
      });
    });
}
