import { Command } from 'commander';
import { printError } from './commands/output.js';

interface CommandModule {
  register(program: Command): void;
}

/** In the order of the help. A command's libraries load only when it is the one that runs: that halves its start. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  compile: () => import('./commands/compile.js'),
  package: () => import('./commands/package.js'),
  sign: () => import('./commands/sign.js'),
  verify: () => import('./commands/verify.js'),
  inspect: () => import('./commands/inspect.js'),
  publish: () => import('./commands/publish.js'),
  models: () => import('./commands/models.js'),
  local: () => import('./commands/local.js'),
  dev: () => import('./commands/dev.js'),
  fleet: () => import('./commands/fleet.js'),
  device: () => import('./commands/device.js'),
  deploy: () => import('./commands/deploy.js'),
  report: () => import('./commands/report.js'),
};

const program = new Command('edge-manager')
  .description('model management for edge devices on AWS IoT Greengrass v2')
  .showHelpAfterError();

const wanted = process.argv[2] ?? '';
const load = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
for (const one of load === undefined ? Object.values(COMMANDS) : [load]) (await one()).register(program);

// A reader such as head that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  printError(error);
}
