import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { ROOT } from '../../../examples/stage/mod.js';
import type { Bench } from '../row.js';

const FOLDER = join(ROOT, 'test', 'bench', 'peers');

/** A script of this folder in a process of its own: says `ready`, then answers a line of JSON with one. */
export class PythonPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async start(
    bench: Bench,
    script: string,
    args: readonly string[],
    path: readonly string[] = [],
  ): Promise<PythonPeer> {
    const child = spawn('python3', [join(FOLDER, script), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'] ?? '',
        PYTHONPATH: [FOLDER, ...path].join(':'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const peer = new PythonPeer(child, lines);
    bench.onEnd(() => peer.close());
    await peer.#line();
    return peer;
  }

  /** The answer to a line of JSON. */
  async ask<Answer>(question: object): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return JSON.parse(await this.#line()) as Answer;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('Cannot measure the peer as its Python process ended');
    return value;
  }
}
