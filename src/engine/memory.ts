import type { Tensor, TensorMetadata } from '../contract/mod.js';
import { decodeStrings, elementCount } from '../tensor/mod.js';
import { EdgeError } from '../core/mod.js';
import { checkInputs, checkOutputs } from './check.js';
import type { Engine, EngineSession, SessionOptions } from './port.js';

/** A model as a function, for the in-memory engine. */
export interface MemoryModel {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  run(inputs: readonly Tensor[]): readonly Tensor[] | Promise<readonly Tensor[]>;
}

/**
 * The engine without ONNX Runtime: same checks, same errors.
 * @param read gives the model that the bytes stand for, undefined where they are none
 */
export function createMemoryEngine(
  read: (model: Uint8Array, options: SessionOptions) => MemoryModel | undefined,
): Engine {
  return {
    version: 'memory',
    load: (bytes, options = {}) => {
      const model = bytes instanceof Uint8Array ? read(bytes, options) : undefined;
      if (model === undefined) {
        return Promise.reject(
          new EdgeError('MODEL_REFUSED', 'Cannot load the model: its bytes are not a model'),
        );
      }
      return Promise.resolve(new MemorySession(model));
    },
  };
}

class MemorySession implements EngineSession {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly #model: MemoryModel;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(model: MemoryModel) {
    this.#model = model;
    this.inputs = model.inputs;
    this.outputs = model.outputs;
  }

  async run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<readonly Tensor[]> {
    if (this.#closed) throw new EdgeError('CLOSED', 'Cannot run the model as its session is closed');
    checkInputs(this.inputs, inputs);
    const wanted = checkOutputs(this.outputs, outputs);
    for (const [index, tensor] of inputs.entries()) {
      if (tensor.datatype === 'BYTES') {
        decodeStrings(tensor.data, elementCount(tensor.shape), `inputs[${index}]`);
      }
    }
    const run = Promise.resolve(this.#model.run(inputs));
    this.#running.add(run);
    try {
      const results = await run;
      return wanted.flatMap((name) => results.filter((tensor) => tensor.name === name));
    } finally {
      this.#running.delete(run);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }
}
