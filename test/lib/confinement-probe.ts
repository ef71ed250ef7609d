// Stands in for a model host below its launcher, and does what a model with code of its own would.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';

/** What to try, by name. The answer has for each `done`, a list, or the error's code. */
export interface ProbeOrder {
  readonly [name: string]: readonly [ProbeAction, string];
}
export type ProbeAction = keyof typeof ACTIONS;

const ACTIONS = {
  read: (path: string) => readFileSync(path),
  readByThread: (path: string) => readFile(path),
  readByWorker: (path: string) => inWorker(path),
  list: (path: string) => readdirSync(path),
  write: (path: string) => writeFileSync(path, 'x', { flag: 'r+' }),
  create: (path: string) => writeFileSync(path, 'x', { flag: 'wx' }),
  remove: (path: string) => rmSync(path),
  makeFolder: (path: string) => mkdirSync(path),
  execute: (path: string) => {
    const { error } = spawnSync(path, ['-e', '0']);
    if (error !== undefined) throw error;
  },
  signal: (pid: string) => process.kill(Number(pid), 0),
  connectTcp: (port: string) => connected({ host: '127.0.0.1', port: Number(port) }),
  connectUnix: (path: string) => connected({ path }),
  sendUdp: (port: string) => sent(Number(port)),
} as const;

async function connected(where: { host: string; port: number } | { path: string }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(where, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

async function sent(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.send('x', port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
  });
}

async function inWorker(path: string): Promise<void> {
  const script = `require('fs').readFileSync(${JSON.stringify(path)})`;
  await new Promise<void>((resolve, reject) => {
    new Worker(script, { eval: true }).on('error', reject).on('exit', () => resolve());
  });
}

async function tried(action: ProbeAction, argument: string): Promise<unknown> {
  try {
    const result: unknown = await ACTIONS[action](argument);
    return Array.isArray(result) ? result : 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error);
  }
}

const channel = new Socket({ fd: 3, readable: true, writable: true });
createInterface(channel)
  .once('line', (line) => {
    void (async () => {
      const answers: Record<string, unknown> = {};
      for (const [name, [action, argument]] of Object.entries(JSON.parse(line) as ProbeOrder))
        answers[name] = await tried(action, argument);
      channel.write(`${JSON.stringify(answers)}\n`);
    })();
  })
  .once('close', () => process.exit(0));
