import { MAX_SYMBOL_CHARS, type Tensor, type TensorMetadata } from '../contract/mod.js';
import { EdgeError, messageOf } from '../core/mod.js';
import { checkInputs, checkOutputs } from './check.js';
import type { Engine, EngineSession, ModelSource, SessionOptions } from './port.js';
import { loadError } from './load-error.js';
import { loadRuntime, type Runtime } from './runtime.js';
import { datatypeOf, fromRuntimeValue, toRuntimeValue } from './values.js';

/**
 * ONNX Runtime on the CPU. Loads the native library when called, so that only processes that mean to run
 * models pay for it: the control process never does. Loading and running block the thread.
 */
export async function createOnnxEngine(): Promise<Engine> {
  const runtime = await loadRuntime();
  return {
    version: runtime.env.versions.node ?? runtime.env.versions.common,
    load: async (model, options = {}) => new OnnxSession(await create(runtime, model, options)),
  };
}

async function create(
  runtime: typeof Runtime,
  model: ModelSource,
  options: SessionOptions,
): Promise<Runtime.InferenceSession> {
  try {
    const settings = sessionOptions(options);
    return model instanceof Uint8Array
      ? await runtime.InferenceSession.create(unshared(model), settings)
      : await runtime.InferenceSession.create(model.file, settings);
  } catch (error) {
    throw loadError(error);
  }
}

function unshared(model: Uint8Array): Uint8Array {
  return model.buffer instanceof ArrayBuffer ? model : Uint8Array.from(model);
}

function sessionOptions(options: SessionOptions): Runtime.InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.intraOpThreads ?? 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: options.graphOptimization ?? 'all',
    // Errors come as exceptions; warnings about a graph are the packager's business.
    logSeverityLevel: 3,
    ...(options.optimizedModelFile === undefined
      ? {}
      : { optimizedModelFilePath: options.optimizedModelFile }),
    extra: {
      session: {
        // Left alone, ONNX Runtime takes any bytes with ORTM at offset 4 for its own format.
        load_model_format: options.format ?? 'ONNX',
        ...(options.weightsFolder === undefined
          ? {}
          : { model_external_initializers_file_folder_path: options.weightsFolder, disable_prepacking: '1' }),
        ...(options.optimizedWeightsFile === undefined
          ? {}
          : { optimized_model_external_initializers_file_name: options.optimizedWeightsFile }),
        intra_op: { allow_spinning: options.allowSpinning === true ? '1' : '0' },
        inter_op: { allow_spinning: options.allowSpinning === true ? '1' : '0' },
      },
    },
  };
}

class OnnxSession implements EngineSession {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly #session: Runtime.InferenceSession;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(session: Runtime.InferenceSession) {
    this.#session = session;
    this.inputs = readMetadata(session.inputMetadata, 'input');
    this.outputs = readMetadata(session.outputMetadata, 'output');
  }

  async run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<readonly Tensor[]> {
    if (this.#closing !== undefined) {
      throw new EdgeError('CLOSED', 'Cannot run the model as its session is closed');
    }
    checkInputs(this.inputs, inputs);
    const wanted = checkOutputs(this.outputs, outputs);
    if (wanted.length === 0) return [];
    const run = this.#run(feedsOf(inputs), wanted);
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  async #run(
    feeds: Runtime.InferenceSession.FeedsType,
    wanted: readonly string[],
  ): Promise<readonly Tensor[]> {
    let results: Runtime.InferenceSession.ReturnType;
    try {
      results = await this.#session.run(feeds, [...wanted]);
    } catch (error) {
      throw runError(error);
    }
    return wanted.map((name) => {
      const value = results[name];
      if (value === undefined)
        throw new EdgeError('INTERNAL', `Cannot give output '${name}' as the run left it out`);
      return fromRuntimeValue(name, value);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    // A release in the tick of a run fails; the next tick is safe.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#session.release();
  }
}

/** Inputs by name. No prototype: an input may be called `__proto__`. */
function feedsOf(inputs: readonly Tensor[]): Runtime.InferenceSession.FeedsType {
  const feeds = Object.create(null) as Record<string, unknown>;
  for (const [index, tensor] of inputs.entries()) {
    feeds[tensor.name] = toRuntimeValue(tensor, `inputs[${index}]`);
  }
  return feeds as Runtime.InferenceSession.FeedsType;
}

function runError(error: unknown): EdgeError {
  const reason = messageOf(error);
  if (/bad_alloc|bad allocation|[Ff]ailed to allocate/.test(reason)) {
    return new EdgeError('MEMORY_SHORT', `Cannot run the model as memory is short: ${reason}`, {
      cause: error,
    });
  }
  return new EdgeError('INPUTS_REFUSED', `Cannot run the model on these inputs: ${reason}`, {
    field: 'inputs',
    cause: error,
  });
}

function readMetadata(
  values: readonly Runtime.InferenceSession.ValueMetadata[],
  kind: string,
): TensorMetadata[] {
  const seen = new Set<string>();
  return values.map((value) => {
    const datatype = value.isTensor ? datatypeOf(value.type) : undefined;
    if (!value.isTensor || datatype === undefined) {
      throw unfit(kind, value.name, `its type is ${value.isTensor ? value.type : 'not a tensor'}`);
    }
    // Bytes that are no UTF-8 come as U+FFFD, so two names of a graph may become one.
    if (seen.has(value.name)) throw unfit(kind, value.name, 'its name is there twice');
    // onnxruntime-common collects outputs in a plain object.
    if (value.name === '__proto__' && kind === 'output') throw unfit(kind, value.name, 'of its name');
    seen.add(value.name);
    return {
      name: value.name,
      datatype,
      shape: value.shape.map(dimensionOf),
    };
  });
}

function dimensionOf(size: number | string): number | string {
  const isNamed = typeof size === 'number' || (size !== '' && size.length <= MAX_SYMBOL_CHARS);
  return isNamed ? size : -1;
}

function unfit(kind: string, name: string, reason: string): EdgeError {
  return new EdgeError(
    'MODEL_REFUSED',
    `Cannot load the model: ${kind} '${name}' cannot be used as ${reason}`,
    { nextStep: 'Export the model with plain tensors there, of a type that docs/models.md lists' },
  );
}
