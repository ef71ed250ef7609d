// The command line as a process: edge-manager's only part that touches the process itself.
import { runCommandLine } from './commands/mod.js';

// A reader such as head that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await prompt.question(question);
  } finally {
    prompt.close();
  }
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: process.stdout,
  error: process.stderr,
  environment: process.env,
  locate: (path) => path,
  aws: {},
  ...(process.stdin.isTTY ? { ask } : {}),
  ...(process.stdout.isTTY ? { screen: process.stderr } : {}),
  interrupted: () =>
    new Promise((done) => {
      process.once('SIGINT', done);
      process.once('SIGTERM', done);
    }),
});
