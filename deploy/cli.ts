import { Command } from 'commander';
import { register as registerCompile } from './commands/compile.js';
import { printError } from './commands/output.js';

const program = new Command('edge-manager')
  .description('model management for edge devices on AWS IoT Greengrass v2')
  .showHelpAfterError();

for (const register of [registerCompile]) register(program);

try {
  await program.parseAsync();
} catch (error) {
  printError(error);
}
