import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { until } from './until.js';

/** A running process of a component, with its output. It is killed when disposed. */
export class ComponentProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(
    script: string,
    environment: Readonly<Record<string, string | undefined>>,
    workFolder: string,
    args: readonly string[] = [],
  ) {
    this.child = spawn(process.execPath, ['--enable-source-maps', script, ...args], {
      cwd: workFolder,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (bytes: Buffer) => this.#lines.push(bytes.toString()));
  }

  get output(): string {
    return this.#lines.join('');
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves once the output holds this text. */
  async said(text: string, timeoutMs = 20_000): Promise<void> {
    await until(() => this.output.includes(text) || !this.isRunning, `the process says ${text}`, timeoutMs);
    if (!this.output.includes(text)) throw new Error(`The process ended without ${text}: ${this.output}`);
  }

  /** The process below this one, once it is there. */
  async childPid(): Promise<number> {
    const { pid } = this.child;
    const children = async (): Promise<string> => await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    await until(async () => (await children()).trim() !== '', 'the process has a child');
    return Number((await children()).trim().split(' ')[0]);
  }

  async ended(): Promise<number | null> {
    if (this.isRunning) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }
}
