// The command line as a process: edge-manager's only part that touches the process itself.
import { runCommandLine } from './commands/mod.js';

// A reader such as head that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const args = process.argv.slice(2);
/** Of ours and of libraries. Node's own line would stand beside the one document that programs read. */
const warnings: string[] = [];
process.removeAllListeners('warning');
process.on('warning', ({ message }) => {
  warnings.push(message);
  if (!args.includes('--json')) void tell(message);
});

async function tell(warning: string): Promise<void> {
  const { visibleLine } = await import('../src/core/mod.js');
  process.stderr.write(`Warning: ${visibleLine(warning)}\n`);
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await prompt.question(question);
  } finally {
    prompt.close();
  }
}

process.exitCode = await runCommandLine(args, {
  out: process.stdout,
  error: process.stderr,
  environment: process.env,
  locate: (path) => path,
  aws: {},
  warnings,
  ...(process.stdin.isTTY ? { ask } : {}),
  ...(process.stdout.isTTY ? { screen: process.stderr } : {}),
  interrupted: () =>
    new Promise((done) => {
      process.once('SIGINT', done);
      process.once('SIGTERM', done);
    }),
});
