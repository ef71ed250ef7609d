import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A child's memory grows with each load: a new one after so many. */
const LOADS = 2000;
const DEADLINE_MS = 10_000;

export type ReadBack =
  | { readonly kind: 'read'; readonly model: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'died'; readonly how: string };

/** ONNX Runtime's own account of model files, in processes that may die of them. */
export class ReadBackRuntime implements Disposable {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #loads = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(model: Uint8Array): Promise<ReadBack> {
    const child = this.#ready();
    return await new Promise<ReadBack>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
      const settle = (result: ReadBack): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve(result);
      };
      child.once('message', (answer: Uint8Array | string) =>
        settle(
          typeof answer === 'string' ? { kind: 'refused', reason: answer } : { kind: 'read', model: answer },
        ),
      );
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        settle({ kind: 'died', how: signal ?? `exit code ${code}` });
      });
      child.send(model);
    });
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL');
  }

  #ready(): ChildProcess {
    if (this.#loads++ % LOADS === 0) {
      this.#child?.kill('SIGKILL');
      this.#child = undefined;
    }
    this.#child ??= fork(fileURLToPath(new URL('./readback-child.js', import.meta.url)), [this.#folder], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    return this.#child;
  }
}
