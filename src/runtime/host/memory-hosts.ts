import { deferred, EdgeError, within, type Clock } from '../../core/mod.js';
import {
  HostLostError,
  type HostedModel,
  type HostExit,
  type LoadReport,
  type LoadSpec,
  type ModelHosts,
  type RunRequest,
  type RunResult,
} from './port/mod.js';

/** How one model behaves in the in-memory hosts; each part may change between calls. */
export interface MemoryHostScript {
  /** Throws where the package must be refused. Default: a model with input `x` and output `y`, FP32 [n]. */
  readonly load?: (spec: LoadSpec) => Partial<LoadReport> | Promise<Partial<LoadReport>>;
  /**
   * Gives the result, throws an error, or says that the process hangs or crashes.
   * Default: echoes the inputs as outputs.
   */
  readonly run?: (request: RunRequest) => MemoryRun | Promise<MemoryRun>;
  readonly memoryBytes?: () => number;
}
export type MemoryRun = Partial<RunResult> | 'hang' | 'crash';

export interface MemoryModelHosts extends ModelHosts {
  /** Keys of the models that are loaded, in order of loading. */
  readonly loaded: readonly string[];
  /** Ends a model's process as if by itself; its running requests reject with UNAVAILABLE. */
  crash(key: string, exit?: HostExit): void;
}

/**
 * Model hosts without processes, in the same terms: the same rejections, the same exits, on the clock that is given.
 * @param script says how a model behaves, asked at each load
 */
export function createMemoryModelHosts(
  clock: Clock,
  script: (spec: LoadSpec) => MemoryHostScript = () => ({}),
): MemoryModelHosts {
  const models = new Map<string, MemoryModel>();
  /** Of models that are loaded or being loaded: as with processes, a second load of one is refused. */
  const taken = new Set<string>();
  const counts = { restarts: 0 };
  const close = async (): Promise<void> => {
    await Promise.all([...models.values()].map((model) => model.unload()));
  };
  return {
    load: async (spec) => {
      if (taken.has(spec.key)) {
        throw new EdgeError('MODEL_ALREADY_LOADED', `Cannot load ${spec.key} as it is loaded already`);
      }
      taken.add(spec.key);
      const behaviour = script(spec);
      const report = await reportOf(spec, behaviour).catch((thrown: unknown) => {
        taken.delete(spec.key);
        throw thrown;
      });
      const model = new MemoryModel(spec, report, behaviour, clock, (exit) => {
        models.delete(spec.key);
        taken.delete(spec.key);
        if (exit.kind !== 'closed') counts.restarts += 1;
      });
      models.set(spec.key, model);
      return model;
    },
    crash: (key, exit = CRASH) => models.get(key)?.end(exit),
    get loaded() {
      return [...models.keys()];
    },
    get restarts() {
      return counts.restarts;
    },
    confinement: undefined,
    close,
    [Symbol.asyncDispose]: close,
  };
}

class MemoryModel implements HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  readonly gone: Promise<HostExit>;
  readonly #script: MemoryHostScript;
  readonly #clock: Clock;
  /** The oldest first: that is what the host is at. */
  readonly #running = new Map<Promise<unknown>, RunRequest>();
  readonly #onGone: (exit: HostExit) => void;
  readonly #exit = deferred<HostExit>();
  #exited: HostExit | undefined;
  #guilty: RunRequest | undefined;
  #limitBytes = Infinity;

  constructor(
    spec: LoadSpec,
    report: LoadReport,
    script: MemoryHostScript,
    clock: Clock,
    onGone: (exit: HostExit) => void,
  ) {
    this.key = spec.key;
    this.report = report;
    this.gone = this.#exit.promise;
    this.#script = script;
    this.#clock = clock;
    this.#onGone = onGone;
  }

  async run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    if (this.#exited !== undefined) throw this.#lost(this.#exited, false);
    const run = this.#run(request, deadlineMs);
    this.#running.set(run, request);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  async #run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    const gone = this.gone.then((exit): never => {
      throw this.#lost(exit, request === this.#guilty);
    });
    const late = (): EdgeError => {
      const sentence = `Model host of ${this.key} was killed as a run took longer than ${deadlineMs} ms`;
      this.end({ kind: 'killed-deadline', sentence }, request);
      return new EdgeError(
        'DEADLINE_WHILE_RUNNING',
        `Cannot finish the run of ${this.key} within ${deadlineMs} ms`,
      );
    };
    return await within(this.#clock, deadlineMs, Promise.race([gone, this.#answer(request)]), { late });
  }

  async #answer(request: RunRequest): Promise<RunResult> {
    const outcome = (await this.#script.run?.(request)) ?? {};
    if (outcome === 'crash') this.end(CRASH, request);
    else if ((await this.measureBytes()) > this.#limitBytes) this.end(OUTGROWN, request);
    if (typeof outcome === 'string' || this.#exited !== undefined)
      return await new Promise<never>(() => undefined);
    return { outputs: request.inputs, runMs: 1, nonFinite: false, captured: 'no', ...outcome };
  }

  measureBytes(): Promise<number> {
    return Promise.resolve(this.#script.memoryBytes?.() ?? 50_000_000);
  }

  limitMemory(bytes = Infinity): Promise<void> {
    this.#limitBytes = bytes;
    return Promise.resolve();
  }

  setCapture(): Promise<void> {
    return Promise.resolve();
  }

  async unload(): Promise<void> {
    await Promise.allSettled(this.#running.keys());
    this.end({ kind: 'closed', sentence: `Model host of ${this.key} was closed` });
  }

  end(exit: HostExit, guilty = [...this.#running.values()][0]): void {
    if (this.#exited !== undefined) return;
    this.#guilty = guilty;
    const told = guilty?.caller === undefined ? exit : { ...exit, caller: guilty.caller };
    this.#exited = told;
    this.#onGone(told);
    this.#exit.resolve(told);
  }

  #lost(exit: HostExit, atFault: boolean): HostLostError {
    return new HostLostError(`Cannot run ${this.key}`, exit, { guilty: this.key, atFault });
  }
}

const CRASH: HostExit = { kind: 'crashed', sentence: 'Model host ended with signal SIGSEGV' };

async function reportOf(spec: LoadSpec, script: MemoryHostScript): Promise<LoadReport> {
  return { ...defaultReport(spec), ...(await script.load?.(spec)) };
}

function defaultReport(spec: LoadSpec): LoadReport {
  const [name = spec.key, version = '1.0.0'] = spec.key.split('@');
  const value = { datatype: 'FP32', shape: ['n'] } as const;
  return {
    digest: spec.expectedDigest ?? Buffer.from(spec.key).toString('hex').padEnd(64, '0').slice(0, 64),
    name,
    version,
    inputs: [{ name: 'x', ...value }],
    outputs: [{ name: 'y', ...value }],
    manifest: { formatVersion: 1, name, version },
    signature: { state: 'unchecked' },
    verifyMs: 1,
    loadMs: 1,
    samplesRun: 0,
    cacheHit: false,
    confinement: { phrase: 'none: no process', isHeld: false },
  };
}
const OUTGROWN: HostExit = {
  kind: 'killed-memory',
  sentence: 'Model host was killed as it took more than it may',
};
