import { Command } from 'commander';
import { register as compile } from './commands/compile.js';
import { register as deploy } from './commands/deploy.js';
import { register as dev } from './commands/dev.js';
import { register as device } from './commands/device.js';
import { register as fleet } from './commands/fleet.js';
import { register as inspect } from './commands/inspect.js';
import { register as local } from './commands/local.js';
import { register as models } from './commands/models.js';
import { printError } from './commands/output.js';
import { register as pack } from './commands/package.js';
import { register as publish } from './commands/publish.js';
import { register as report } from './commands/report.js';
import { register as sign } from './commands/sign.js';
import { register as verify } from './commands/verify.js';

const program = new Command('edge-manager')
  .description('model management for edge devices on AWS IoT Greengrass v2')
  .showHelpAfterError();

for (const register of [
  compile,
  pack,
  sign,
  verify,
  inspect,
  publish,
  models,
  local,
  dev,
  fleet,
  device,
  deploy,
  report,
])
  register(program);

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
