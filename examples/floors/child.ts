import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A floor in a process of its own, asked by messages: one answer to each question, in order. */
export class FloorProcess<Question extends object, Answer> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param script a module beside this one that answers each message and says `ready` first */
  static async start<Question extends object, Answer>(
    script: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<FloorProcess<Question, Answer>> {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), [...args], {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      serialization: 'advanced',
    });
    const floor = new FloorProcess<Question, Answer>(child);
    await floor.#next(script);
    return floor;
  }

  async ask(question: Question): Promise<Answer> {
    const answer = this.#next('question');
    this.#child.send(question);
    return (await answer) as Answer;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async #next(what: string): Promise<unknown> {
    const waiting = new AbortController();
    try {
      const [answer] = (await Promise.race([
        once(this.#child, 'message', { signal: waiting.signal }),
        once(this.#child, 'exit', { signal: waiting.signal }).then(() => {
          throw new Error(`Cannot measure the floor as its process ended during '${what}'`);
        }),
      ])) as [unknown];
      return answer;
    } finally {
      waiting.abort();
    }
  }
}

/** The child's side: answers each message by `answer`, and ends when its parent goes. */
export function answerParent<Question, Answer>(answer: (question: Question) => Promise<Answer>): void {
  process.on('message', (question: Question) => {
    void answer(question).then(
      (reply) => process.send?.(reply),
      (thrown: unknown) => {
        console.error(thrown);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}
