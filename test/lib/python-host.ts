import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** What a piece of Python, or a command of the AWS CLI, ended with. */
export interface PythonAnswer {
  /** Exit code of the CLI; 0 for Python that ended well, 1 for an exception, whose text `errors` has. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** What Python left in `result`. */
  readonly result: unknown;
}

const HOST = `
import contextlib, io, json, os, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
driver = None
names = {}

def aws(arguments):
    global driver
    if driver is None:
        from awscli.clidriver import create_clidriver
        driver = create_clidriver()
    try:
        return driver.main(arguments)
    except SystemExit as end:
        return end.code or 0

def run(ask):
    if "aws" in ask:
        return aws(ask["aws"]), None
    try:
        names["result"] = None
        exec(ask["python"], names)
        return 0, names["result"]
    except Exception:
        traceback.print_exc()
        return 1, None

for line in sys.stdin:
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code, result = run(json.loads(line))
    texts = []
    for stream in (output, errors):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
    json.dump({"code": code, "output": texts[0], "errors": texts[1], "result": result}, answers)
    answers.write("\\n")
    answers.flush()
`;

/** Why Python can't do without one of these packages here, or undefined. */
export function pythonAbsence(...packages: readonly string[]): string | undefined {
  const { status } = spawnSync('python3', ['-c', `import ${packages.join(', ')}`], { stdio: 'ignore' });
  return status === 0 ? undefined : `python3 with the packages ${packages.join(' and ')} is not installed`;
}

/** The program itself: what stands in PATH may be a version manager's script, which wants its environment. */
export function pythonProgram(): string {
  const { stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  return stdout.trim();
}

/** One Python for many commands: each start of the AWS CLI alone takes most of a second of a core. */
export class PythonHost implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(environment: Readonly<Record<string, string>>) {
    const child = spawn('python3', ['-c', HOST], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** A command of the AWS CLI, without its first word. */
  async aws(...command: readonly string[]): Promise<PythonAnswer> {
    return await this.#ask({ aws: command });
  }

  /** Statements; names that they make stay. Throws where they do. @returns what they left in `result` */
  async run(python: string): Promise<unknown> {
    const { code, errors, result } = await this.#ask({ python });
    if (code !== 0) throw new Error(errors);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
    this.#reader.close();
  }

  async #ask(ask: object): Promise<PythonAnswer> {
    this.#child.stdin?.write(`${JSON.stringify(ask)}\n`);
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('Python has ended');
    return JSON.parse(next.value) as PythonAnswer;
  }
}
