import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Datatype, Tensor } from '../../../src/contract/mod.js';
import { encodeStrings } from '../../../src/tensor/mod.js';
import type { Feed } from './cases.js';

export interface PlainTask {
  readonly model: Uint8Array;
  readonly inputs: readonly Feed[];
}

export interface PlainOutput {
  readonly name: string;
  /** ONNX Runtime's name of the type. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes?: Uint8Array;
  readonly strings?: readonly string[];
}

export type PlainOutcome =
  | { readonly kind: 'served'; readonly outputs: readonly PlainOutput[] }
  | { readonly kind: 'refused'; readonly stage: 'load' | 'run'; readonly message: string }
  | { readonly kind: 'crashed'; readonly how: string };

const CHILD = fileURLToPath(new URL('./plain-child.js', import.meta.url));

/** Plain onnxruntime-node in a process of its own, which some models end: the next one gets a new process. */
export class PlainRuntime implements Disposable {
  #child: ChildProcess | undefined;

  async run(task: PlainTask): Promise<PlainOutcome> {
    const child = this.#running();
    child.send(task);
    const ended = new AbortController();
    try {
      return await Promise.race([
        once(child, 'message', { signal: ended.signal }).then(([outcome]) => outcome as PlainOutcome),
        once(child, 'exit', { signal: ended.signal }).then(([code, signal]): PlainOutcome => {
          this.#child = undefined;
          return { kind: 'crashed', how: String(signal ?? code) };
        }),
      ]);
    } finally {
      ended.abort();
    }
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL');
  }

  #running(): ChildProcess {
    this.#child ??= fork(CHILD, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    return this.#child;
  }
}

const DATATYPES: Readonly<Record<string, Datatype>> = {
  float32: 'FP32',
  uint8: 'UINT8',
  int8: 'INT8',
  uint16: 'UINT16',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  string: 'BYTES',
  bool: 'BOOL',
  float16: 'FP16',
  float64: 'FP64',
  uint32: 'UINT32',
  uint64: 'UINT64',
};

/** What plain gave, as a tensor of ours. */
export function tensorOf({ name, type, shape, bytes, strings = [] }: PlainOutput): Tensor {
  const datatype = DATATYPES[type];
  if (datatype === undefined) throw new Error(`Cannot take output ${name} as its type is ${type}`);
  return { name, datatype, shape, data: bytes ?? encodeStrings(strings) };
}
