import type {
  AuxiliaryData,
  ModelDescription,
  ModelSummary,
  ReplyOf,
  Tensor,
  WireTensor,
} from '../contract/mod.js';
import { predictTopic } from '../contract/mod.js';
import { EdgeError, retry, type Clock, type Logger, type Random } from '../core/mod.js';
import { createRequester, type Requester, type Transport } from '../ipc/mod.js';
import { ExchangePool, type ExchangeFile } from './exchange.js';

/** Inline tensors (base64) up to this many raw bytes in sum keep a message well under its 7,000 bytes. */
const INLINE_MAX_BYTES = 4400;
const RETRY = { baseMs: 50, capMs: 1000 };

export interface ClientOptions {
  readonly transport: Transport;
  /** This component's name, as in its recipe: its policy allows replies to itself only. */
  readonly component: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly uid?: number | undefined;
  /** For calls that name no timeout. Default 10,000 ms. */
  readonly defaultTimeoutMs?: number;
  /** Room for outputs that do not fit into a message. Default 64 MiB; sparse, so it costs nothing unused. */
  readonly maxOutputBytes?: number;
}

export interface CallOptions {
  /** The whole call, retries included. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ModelSelector {
  readonly name: string;
  readonly version?: string;
  readonly label?: string;
}

export interface PredictOptions extends CallOptions {
  readonly version?: string;
  readonly label?: string;
  /** Names of wanted outputs; default all. */
  readonly outputs?: readonly string[];
  readonly capture?: 'always' | 'never';
  /** Default: a random id. */
  readonly captureId?: string;
}

export interface Prediction {
  readonly model: string;
  /** The version that answered. */
  readonly version: string;
  readonly outputs: readonly Tensor[];
  /** Present where this request was sampled, or may be by a policy that looks at outputs. */
  readonly captureId?: string;
  readonly queueMs: number;
  readonly runMs: number;
}

export interface CaptureData {
  readonly modelName: string;
  readonly version?: string;
  readonly captureId?: string;
  /** Milliseconds since the epoch; default now. */
  readonly inferenceTimeMs?: number;
  readonly inputTensors?: readonly Tensor[];
  readonly outputTensors?: readonly Tensor[];
  readonly inputs?: readonly AuxiliaryBytes[];
  readonly outputs?: readonly AuxiliaryBytes[];
}

export interface AuxiliaryBytes {
  readonly name: string;
  readonly encoding: AuxiliaryData['encoding'];
  readonly contentType?: string;
  readonly data: Uint8Array;
}

/**
 * The agent's operations for a local app. Small tensors travel in messages, large ones by files in the exchange
 * folder; the caller does not see which. Calls answered with UNAVAILABLE (the agent restarts, the connection is
 * lost) are repeated within their time with the same capture id, so that nothing is captured twice.
 */
export class EdgeManagerClient implements AsyncDisposable {
  readonly #options: ClientOptions;
  readonly #requester: Requester;
  readonly #session: string;
  #pool: Promise<ExchangePool> | undefined;
  #poolCounter = 0;

  private constructor(options: ClientOptions, requester: Requester) {
    this.#options = options;
    this.#requester = requester;
    this.#session = options.random.hex(8);
  }

  /** Opens the reply subscription; the agent need not be there yet. */
  static async open(options: ClientOptions): Promise<EdgeManagerClient> {
    return new EdgeManagerClient(options, await createRequester(options));
  }

  async hello(options: CallOptions = {}): Promise<ReplyOf<'hello'>> {
    const { uid } = this.#options;
    return await this.#call(options, (timeoutMs) =>
      this.#requester.request(
        'hello',
        { session: this.#session, ...(uid === undefined ? {} : { uid }) },
        { timeoutMs, signal: options.signal, resendAfterMs: 1000 },
      ),
    );
  }

  /**
   * Runs a model on the device.
   * @param model a name; `options` picks a version or label, default the label `stable`
   * @throws EdgeError NOT_FOUND, INVALID_ARGUMENT (a tensor is wrong), RESOURCE_EXHAUSTED (queue full),
   * DEADLINE_EXCEEDED, UNAVAILABLE
   */
  async predict(model: string, inputs: readonly Tensor[], options: PredictOptions = {}): Promise<Prediction> {
    const captureId = options.captureId ?? this.#options.random.hex(16);
    return await this.#call(options, async (timeoutMs) => {
      const exchange = await this.#layTensors(inputs, timeoutMs);
      return await this.#finishing(exchange, async () => {
        const reply = await this.#requester.request(
          'predict',
          {
            inputs: exchange.tensors,
            captureId,
            ...(exchange.output === undefined ? {} : { outputFile: exchange.output }),
            ...pick(options, ['version', 'label', 'capture']),
            ...(options.outputs === undefined ? {} : { outputs: [...options.outputs] }),
          },
          { timeoutMs, signal: options.signal, topic: predictTopic(model), resendAfterMs: 2000 },
        );
        const outputs: Tensor[] = [];
        for (const output of reply.outputs as WireTensor[])
          outputs.push(await readTensor(output, exchange.file));
        return {
          ...pick(reply, ['model', 'version', 'captureId', 'queueMs', 'runMs']),
          outputs,
        } as Prediction;
      });
    });
  }

  /** Loads an admitted version, or a package folder on the device (Edge Manager's LoadModel). */
  async load(
    model: ModelSelector & { readonly path?: string; readonly pinned?: boolean },
    options: CallOptions = {},
  ): Promise<ModelDescription> {
    return await this.#call(options, (timeoutMs) =>
      this.#requester.request(
        'load',
        { ...model },
        { timeoutMs, signal: options.signal, resendAfterMs: 5000 },
      ),
    );
  }

  async unload(model: ModelSelector, options: CallOptions = {}): Promise<void> {
    await this.#call(options, (timeoutMs) =>
      this.#requester.request(
        'unload',
        { ...model },
        { timeoutMs, signal: options.signal, resendAfterMs: 5000 },
      ),
    );
  }

  /** All versions that the agent knows; pages are joined. */
  async listModels(options: CallOptions = {}): Promise<readonly ModelSummary[]> {
    const models: ModelSummary[] = [];
    let cursor: string | undefined;
    do {
      const page: ReplyOf<'list'> = await this.#call(options, (timeoutMs) =>
        this.#requester.request('list', cursor === undefined ? {} : { cursor }, {
          timeoutMs,
          signal: options.signal,
          resendAfterMs: 1000,
        }),
      );
      models.push(...page.models);
      cursor = page.next;
    } while (cursor !== undefined);
    return models;
  }

  async describeModel(model: ModelSelector, options: CallOptions = {}): Promise<ModelDescription> {
    return await this.#call(options, (timeoutMs) =>
      this.#requester.request(
        'describe',
        { ...model },
        { timeoutMs, signal: options.signal, resendAfterMs: 1000 },
      ),
    );
  }

  async stats(options: CallOptions & { readonly model?: string } = {}): Promise<ReplyOf<'stats'>> {
    return await this.#call(options, (timeoutMs) =>
      this.#requester.request('stats', pick(options, ['model']), {
        timeoutMs,
        signal: options.signal,
        resendAfterMs: 1000,
      }),
    );
  }

  /**
   * Edge Manager's CaptureData: keeps inputs and outputs of the app's own choice.
   * @returns the capture id and `durable` once it is on disk
   */
  async capture(data: CaptureData, options: CallOptions = {}): Promise<ReplyOf<'capture'>> {
    const captureId = data.captureId ?? this.#options.random.hex(16);
    const { inputTensors = [], outputTensors = [], inputs = [], outputs = [] } = data;
    const parts = [...inputTensors, ...outputTensors, ...inputs, ...outputs].map((item) => item.data);
    return await this.#call(options, async (timeoutMs) => {
      const laid = await this.#layParts(parts, 0, timeoutMs);
      return await this.#finishing(laid, async () => {
        const carriers = [...laid.carriers];
        const next = (): Carrier => carriers.shift() ?? {};
        return await this.#requester.request(
          'capture',
          {
            ...pick(data, ['modelName', 'version']),
            modelName: data.modelName,
            captureId,
            ...(data.inferenceTimeMs === undefined
              ? {}
              : { inferenceTimestamp: timestamp(data.inferenceTimeMs) }),
            inputTensors: inputTensors.map((tensor) => ({ ...describe(tensor), ...next() })),
            outputTensors: outputTensors.map((tensor) => ({ ...describe(tensor), ...next() })),
            inputs: inputs.map(
              (item) => ({ ...pick(item, ['name', 'encoding', 'contentType']), ...next() }) as AuxiliaryData,
            ),
            outputs: outputs.map(
              (item) => ({ ...pick(item, ['name', 'encoding', 'contentType']), ...next() }) as AuxiliaryData,
            ),
          },
          { timeoutMs, signal: options.signal, resendAfterMs: 2000 },
        );
      });
    });
  }

  /** Edge Manager's GetCaptureDataStatus, and where the record is. */
  async captureStatus(captureId: string, options: CallOptions = {}): Promise<ReplyOf<'captureStatus'>> {
    return await this.#call(options, (timeoutMs) =>
      this.#requester.request(
        'captureStatus',
        { captureId },
        { timeoutMs, signal: options.signal, resendAfterMs: 1000 },
      ),
    );
  }

  async close(): Promise<void> {
    await this.#requester.close();
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Repeats what was UNAVAILABLE while time remains. */
  async #call<T>(
    { timeoutMs = this.#options.defaultTimeoutMs ?? 10_000, signal }: CallOptions,
    run: (remainingMs: number) => Promise<T>,
  ): Promise<T> {
    const { clock, random } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    return await retry(
      async () => {
        try {
          return await run(Math.max(1, deadlineMs - clock.monotonicMs()));
        } catch (thrown) {
          if (isStaleExchange(thrown)) await this.#dropPool();
          throw thrown;
        }
      },
      {
        clock,
        random,
        ...RETRY,
        leastMs: 10,
        endsAtMs: deadlineMs,
        signal,
        worth: (thrown) =>
          isStaleExchange(thrown) || (thrown instanceof EdgeError && thrown.code === 'UNAVAILABLE'),
      },
    );
  }

  async #layTensors(
    tensors: readonly Tensor[],
    timeoutMs: number,
  ): Promise<Laid & { readonly tensors: WireTensor[] }> {
    const laid = await this.#layParts(
      tensors.map((tensor) => tensor.data),
      this.#options.maxOutputBytes ?? 64 * 1024 * 1024,
      timeoutMs,
    );
    return {
      ...laid,
      tensors: tensors.map((tensor, index) => ({ ...describe(tensor), ...laid.carriers[index] })),
    };
  }

  /** Inline while everything fits; else all parts go into one file. */
  async #layParts(parts: readonly Uint8Array[], outputBytes: number, timeoutMs: number): Promise<Laid> {
    const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const inline = total <= INLINE_MAX_BYTES && parts.length <= 16;
    const inlineCarriers = (): Carrier[] =>
      parts.map((part) => ({
        b64: Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64'),
      }));
    if (inline && outputBytes === 0) return { carriers: inlineCarriers() };
    const pool = await this.#exchangePool(timeoutMs);
    const file = await pool.take();
    const { inputs, output } = await file.lay(inline ? [] : parts, outputBytes);
    return {
      carriers: inline ? inlineCarriers() : inputs.map((region) => ({ file: region })),
      pool,
      file,
      ...(outputBytes === 0 ? {} : { output }),
    };
  }

  /** A file whose request failed may still be read or written by the agent: it is never used again. */
  async #finishing<T>(laid: Laid, run: () => Promise<T>): Promise<T> {
    try {
      const result = await run();
      if (laid.file !== undefined) laid.pool?.give(laid.file);
      return result;
    } catch (thrown) {
      if (laid.file !== undefined) await laid.pool?.discard(laid.file).catch(() => undefined);
      throw thrown;
    }
  }

  #exchangePool(timeoutMs: number): Promise<ExchangePool> {
    this.#pool ??= this.hello({ timeoutMs }).then((reply) => {
      return new ExchangePool(reply.exchangeFolder, `${this.#session}-${this.#poolCounter++}`);
    });
    this.#pool.catch(() => {
      this.#pool = undefined;
    });
    return this.#pool;
  }

  /** The agent was restarted: its exchange folders are new. */
  async #dropPool(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.close();
  }
}

/** How one part travels. */
type Carrier = Pick<WireTensor, 'b64' | 'file'>;

interface Laid {
  readonly carriers: readonly Carrier[];
  readonly pool?: ExchangePool;
  readonly file?: ExchangeFile;
  readonly output?: { name: string; offset: number; byteSize: number };
}

/** The exchange folder is another since the agent's restart: the agent names the field, or the folder is gone. */
function isStaleExchange(thrown: unknown): boolean {
  if (thrown instanceof EdgeError) return thrown.field === 'exchangeFolder';
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT' && 'syscall' in thrown;
}

function describe(
  from: Pick<WireTensor, 'name' | 'datatype'> & { readonly shape: readonly number[] },
): Pick<WireTensor, 'name' | 'datatype' | 'shape'> {
  return { name: from.name, datatype: from.datatype, shape: [...from.shape] };
}

async function readTensor(from: WireTensor, file: ExchangeFile | undefined): Promise<Tensor> {
  const data = from.file === undefined ? Buffer.from(from.b64 ?? '', 'base64') : await file?.read(from.file);
  if (data === undefined)
    throw new EdgeError('INTERNAL', `Cannot read output '${from.name}' as no file was offered`);
  return { ...describe(from), data };
}

function timestamp(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: Math.round((ms - Math.floor(ms / 1000) * 1000) * 1e6) };
}

/** The named properties that are present. */
function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked as Pick<T, K>;
}
