import type { Command } from 'commander';
import { LOCAL_USAGE, runLocalCommand } from '../../src/client/local/mod.js';
import type { CommandLine, Run } from './command.js';

/** The device's own commands, for an agent on this machine: the same code as on the device. */
export function register(program: Command, line: CommandLine): void {
  program
    .command('local')
    .description(
      'talk to an agent on this machine by its admin socket: list, describe, stats, load, unload, predict',
    )
    .helpOption('--help')
    .configureHelp({ formatHelp: () => `${LOCAL_USAGE}\n` })
    .allowUnknownOption()
    .argument('[args...]', 'see edge-manager local --help')
    .action(line.runs(local));
}

function local({ print }: Run, _args: string[], _options: unknown, command: Command): Promise<number> {
  return runLocalCommand(command.args, {
    out: (text) => print.line(text),
    error: (text) => print.aside(text),
  });
}
