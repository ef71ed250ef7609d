import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import type { Tensor } from '../../src/contract/mod.js';
import type { EdgeError, JsonObject } from '../../src/core/mod.js';
import { encodeFrame, FrameReader, type Frame } from '../../src/framing/mod.js';
import type { HostTensor, RunRequest, RunResult } from '../../src/runtime/host/port/mod.js';
import {
  controlHello,
  decodeFailed,
  decodeResult,
  encodeRun,
  KIND,
  parseJson,
} from '../../src/runtime/host/protocol/mod.js';
import { patientMs } from './patience.js';
import { systemClock } from '../../src/system/mod.js';

/** How a model host is started; descriptor 3 is given to it. */
export interface HostProgram {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A model host with the control process's end of its channel in the hands of a test, which writes what it likes. */
export class HostPeer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #frames: Frame[] = [];
  readonly #ended: Promise<number | null>;
  #heard: () => void = () => undefined;
  #errors = '';
  #id = 0;

  constructor({ command, arguments: parts, environment = {} }: HostProgram) {
    this.#child = spawn(command, parts, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ORT_DISABLE_TELEMETRY: '1', ...environment },
      cwd: '/',
    });
    const channel = this.#child.stdio[3];
    assert.ok(channel instanceof Duplex);
    this.#channel = channel;
    const reader = new FrameReader(2 ** 26);
    channel.on('data', (chunk: Buffer) => {
      this.#frames.push(...reader.push(chunk));
      this.#heard();
    });
    // A host that ends says so by its exit code.
    channel.on('error', () => undefined);
    this.#child.stderr?.on('data', (text: Buffer) => (this.#errors += text.toString()));
    this.#ended = once(this.#child, 'exit').then(([code]: unknown[]) =>
      typeof code === 'number' ? code : null,
    );
  }

  /** What it wrote on descriptor 2 until now. */
  get errors(): string {
    return this.#errors;
  }

  write(...bytes: readonly Uint8Array[]): void {
    this.#channel.write(Buffer.concat(bytes));
  }

  end(): void {
    this.#channel.end();
  }

  /** The exit code; fails where it does not end. */
  async exitCode(): Promise<number | null> {
    return await this.#within(this.#ended, 'its end');
  }

  /** The next frame. */
  async next(): Promise<Frame> {
    while (this.#frames.length === 0) {
      const heard = new Promise<void>((resolve) => (this.#heard = resolve));
      const ended = this.#ended.then((code) => {
        throw new Error(`The host ended with ${code}: ${this.#errors}`);
      });
      await this.#within(Promise.race([heard, ended]), 'a frame');
    }
    return this.#frames.shift() ?? assert.fail();
  }

  /** Says hello and gives the host's. */
  async greet(): Promise<JsonObject> {
    this.write(controlHello());
    const frame = await this.next();
    assert.deepEqual([frame.kind, frame.id], [KIND.hostHello, 0], describe(frame));
    return parseJson(frame.metadata) as JsonObject;
  }

  id(): number {
    this.#id += 1;
    return this.#id;
  }

  /** A control frame's bytes. */
  control(kind: number, id: number, metadata?: object): Uint8Array {
    const text = metadata === undefined ? '' : JSON.stringify(metadata);
    return encodeFrame({ kind, id, metadata: Buffer.from(text) });
  }

  /** Asks for what is answered by `done`, and gives that answer. */
  async ask(kind: number, metadata?: object): Promise<JsonObject> {
    const id = this.id();
    this.write(this.control(kind, id, metadata));
    return await this.done(id);
  }

  /** @throws the EdgeError that the host answered in its place */
  async done(id: number): Promise<JsonObject> {
    const frame = await this.#answer(id, KIND.done);
    return parseJson(frame.metadata) as JsonObject;
  }

  /** @throws the EdgeError that the host answered in its place */
  async result(id: number): Promise<RunResult> {
    return decodeResult(await this.#answer(id, KIND.result));
  }

  async failed(id: number): Promise<EdgeError> {
    const frame = await this.next();
    assert.deepEqual([frame.kind, frame.id], [KIND.failed, id], describe(frame));
    return decodeFailed(frame);
  }

  /** A run's bytes; the deadline is far where none is given. */
  run(id: number, order: RunInput): Uint8Array {
    return encodeRun(id, {
      handle: order.handle,
      deadlineUs: order.deadlineUs ?? Infinity,
      request: requestOf(order),
    });
  }

  /** Runs and gives the answer. @throws the EdgeError that the host answered in its place */
  async predict(order: RunInput): Promise<RunResult> {
    const id = this.id();
    this.write(this.run(id, order));
    return await this.result(id);
  }

  async #answer(id: number, kind: number): Promise<Frame> {
    const frame = await this.next();
    if (frame.kind === KIND.failed && frame.id === id) throw decodeFailed(frame);
    assert.deepEqual([frame.kind, frame.id], [kind, id], describe(frame));
    return frame;
  }

  async #within<T>(work: Promise<T>, what: string): Promise<T> {
    const over = new AbortController();
    const late = systemClock.sleep(patientMs(20_000), over.signal).then((): never => {
      throw new Error(`Waited in vain for ${what} of the host: ${this.#errors}`);
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      over.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

export interface RunInput extends Partial<Omit<RunRequest, 'inputs'>> {
  readonly handle: number;
  readonly deadlineUs?: number;
  readonly inputs: readonly HostTensor[];
}

const NO_CAPTURE = { mode: 'never', captureId: 'contract', clockSynchronised: true } as const;

function requestOf({ handle: _handle, deadlineUs: _deadline, ...request }: RunInput): RunRequest {
  return { capture: NO_CAPTURE, ...request };
}

function describe(frame: Frame): string {
  if (frame.kind === KIND.failed) return decodeFailed(frame).message;
  return `kind ${frame.kind}, id ${frame.id}`;
}

/** The raw bytes of an output that came inline. */
export function bytesOf(output: HostTensor | undefined): Tensor {
  assert.ok(output !== undefined && 'data' in output, 'an inline output');
  return { ...output, shape: [...output.shape], data: new Uint8Array(output.data) };
}
