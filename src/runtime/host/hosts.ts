import type { CaptureSink } from '../../capture/mod.js';
import { EdgeError, endsWithin, toEdgeError, type Clock, type Logger, type Random } from '../../core/mod.js';
import { dirname, join, nodeDisk } from '../../disk/mod.js';
import type {
  HostedModel,
  HostSettings,
  LoadReport,
  LoadSpec,
  ModelHosts,
  PythonModel as PythonSettings,
  VerifiedPackage,
} from './port/mod.js';
import type { Confinement, HostRoom } from './confinement/mod.js';
import type { VerifiedLoad } from './dialogue.js';
import { HostProcess, type HostProcessOptions, type SpawnDetails } from './host-process.js';
import { ProcessModel } from './process-model.js';
import { findPython, usesDevices, type PythonEngine } from './python-engine.js';
import { loadInPython } from './python-load.js';
import { PythonModel } from './python-model.js';
import { Sentinel } from './sentinel.js';
import { provenOnce, SharedHost } from './shared-host.js';
import { SpareHost } from './spare-host.js';

export interface ModelHostsDependencies {
  readonly spawn: SpawnDetails;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sampled: CaptureSink;
}

const CLOSE_LIMIT_MS = 500;
/** Beside the host in Node: the build makes it of python/. */
const PYTHON_HOST = 'python-host.pyz';

/** Model hosts as child processes of this one. */
export function createModelHosts(settings: HostSettings, dependencies: ModelHostsDependencies): ModelHosts {
  return new ProcessHosts(settings, dependencies);
}

class ProcessHosts implements ModelHosts {
  readonly #settings: HostSettings;
  readonly #use: ModelHostsDependencies;
  readonly #sentinel: Sentinel;
  /** Threads by key of each model that is loaded or being loaded. */
  readonly #threads = new Map<string, number>();
  readonly #own = new Map<string, HostedModel>();
  readonly #processes = new Set<HostProcess>();
  readonly #shared: SharedHost;
  readonly #spare: SpareHost | undefined;
  #found: Promise<PythonEngine> | undefined;
  #restarts = 0;
  #confinement: Confinement | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: HostSettings, dependencies: ModelHostsDependencies) {
    this.#settings = settings;
    this.#use = dependencies;
    this.#sentinel = new Sentinel(dependencies.logger);
    this.#shared = new SharedHost({
      clock: dependencies.clock,
      logger: dependencies.logger,
      start: (title) => this.#start(title, this.#room(settings.folders.packages, settings.folders.compiled)),
      load: (process, spec) => this.#loadInto(process, spec),
    });
    const { isolation, spareHost, folders } = settings;
    if (spareHost !== true || isolation === 'shared') return;
    this.#spare = new SpareHost({
      ...dependencies,
      folder: folders.empty,
      // What its model has is copied there, the compiled graph too: it writes none.
      start: (room) => this.#start('spare', this.#room(room), { isSpare: true }),
    });
  }

  get spareBytes(): number | undefined {
    return this.#spare?.bytes;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get confinement(): Confinement | undefined {
    return this.#confinement;
  }

  async load(spec: LoadSpec): Promise<HostedModel> {
    if (this.#closing !== undefined) {
      throw new EdgeError('AGENT_STOPPING', `Cannot load ${spec.key} as the hosts are closed`);
    }
    if (this.#threads.has(spec.key)) {
      throw new EdgeError('MODEL_ALREADY_LOADED', `Cannot load ${spec.key} as it is loaded already`);
    }
    const threads = this.#grant(spec);
    this.#threads.set(spec.key, threads);
    try {
      const granted = { ...spec, threads };
      const model = await this.#loadGranted(granted);
      void model.gone.then(() => this.#threads.delete(spec.key));
      return model;
    } catch (error) {
      this.#threads.delete(spec.key);
      throw error;
    }
  }

  async #loadGranted(spec: LoadSpec): Promise<HostedModel> {
    const { engines, isolation } = this.#settings;
    const python = engines?.models[modelOf(spec.key)];
    if (engines !== undefined && python !== undefined)
      return await this.#loadPython(spec, python, engines.interpreter);
    return isolation === 'model' ? await this.#loadOwn(spec) : await this.#loadShared(spec);
  }

  /** Verified in a process of the agent's own code, held in one of the device's Python: always one of its own. */
  async #loadPython(spec: LoadSpec, wanted: PythonSettings, interpreter: string): Promise<HostedModel> {
    const { clock, random, sampled } = this.#use;
    const { loadTimeoutMs: timeoutMs } = this.#settings;
    const [found, verified] = await Promise.all([this.#python(interpreter), this.#verified(spec, timeoutMs)]);
    let model: PythonModel | undefined;
    const process = this.#start(spec.key, this.#roomOf(spec), {
      instead: { ...found.host, usesDevices: usesDevices(wanted.providers) },
      sampled: (one) => model?.take(one),
    });
    const loading = async (): Promise<PythonModel> => {
      const load = (order: VerifiedLoad): Promise<LoadReport> => this.#loadInto(process, spec, order);
      const report = await loadInPython(spec, verified, wanted, { process, clock, timeoutMs, load });
      const capture = { capture: spec.capture, sampled, clock, random };
      return new PythonModel(new ProcessModel(spec.key, report, process), capture);
    };
    model = await endedUnless(loading(), process);
    return this.#kept(model);
  }

  /** Until its process ends: the hosts' end is its end. */
  #kept(model: HostedModel): HostedModel {
    this.#own.set(model.key, model);
    void model.gone.then(() => this.#own.delete(model.key));
    return model;
  }

  /** Asked once: to import its packages takes seconds on a small device. One that is missing is looked for again. */
  #python(interpreter: string): Promise<PythonEngine> {
    this.#found ??= findPython(interpreter, join(dirname(this.#use.spawn.entry), PYTHON_HOST)).catch(
      (error: unknown) => {
        this.#found = undefined;
        throw error;
      },
    );
    return this.#found;
  }

  async #verified(spec: LoadSpec, timeoutMs: number): Promise<VerifiedPackage> {
    const process = this.#start(`${spec.key} (its package)`, this.#roomOf(spec));
    try {
      return await process.verify(spec, timeoutMs);
    } finally {
      await process.close();
    }
  }

  /**
   * What other models leave of the budget, at least one thread. Sessions of one shared process run one after
   * another, so each may have the whole budget; those of several processes run at once, and more threads than
   * cores cost a third of the throughput. Versions of one model share its part: one that is loaded to take the
   * other's place must not go without for as long as it serves.
   */
  #grant(spec: LoadSpec): number {
    const { isolation, threadBudget } = this.#settings;
    const used = isolation === 'shared' ? 0 : threadsOfOthers(this.#threads, spec.key);
    return Math.max(1, Math.min(spec.threads, threadBudget - used));
  }

  async #loadOwn(spec: LoadSpec): Promise<HostedModel> {
    const { process, report } = await this.#loadedAlone(spec).finally(() => this.#spare?.prepare());
    return this.#kept(new ProcessModel(spec.key, report, process));
  }

  /** In the spare host where it can be, else in a new one. */
  async #loadedAlone(spec: LoadSpec): Promise<{ process: HostProcess; report: LoadReport }> {
    const taken = await this.#loadedInSpare(spec);
    if (taken !== undefined) return taken;
    const process = this.#start(spec.key, this.#roomOf(spec));
    return { process, report: await endedUnless(this.#loadInto(process, spec), process) };
  }

  /** What goes wrong there, but for its time, may be the spare host's fault or the copy's: a new host has the verdict. */
  async #loadedInSpare(spec: LoadSpec): Promise<{ process: HostProcess; report: LoadReport } | undefined> {
    const spare = await this.#spare?.take(spec);
    if (spare === undefined) return undefined;
    const { process, loaded } = spare;
    const logger = this.#use.logger.with({ host: spec.key });
    process.adopt({ title: spec.key, logger });
    try {
      return { process, report: await endedUnless(this.#loadInto(process, spare.spec), process) };
    } catch (thrown) {
      const error = toEdgeError(thrown);
      if (error.code === 'DEADLINE_EXCEEDED' || this.#closing !== undefined) throw thrown;
      logger.warn('The spare host could not load the model: a new one tries', { reason: error.message });
      return undefined;
    } finally {
      loaded();
    }
  }

  /** A package that is new here proves itself in a process of its own: its first load must not stop the others. */
  async #loadShared(spec: LoadSpec): Promise<HostedModel> {
    // A package without a copy of the agent's own lies anywhere, and the shared host is held to the copies.
    if (!spec.folder.startsWith(`${this.#settings.folders.packages}/`)) return await this.#loadOwn(spec);
    // The shared host may make files there and no folders. Without one it compiles at each load.
    const { compiledCacheFolder } = spec;
    if (compiledCacheFolder !== undefined)
      await nodeDisk.makeFolder(compiledCacheFolder).catch(() => undefined);
    if (this.#shared.empty || !spec.runSamples) return await this.#shared.add(spec);
    const trial = this.#start(spec.key, this.#roomOf(spec));
    const report = await endedUnless(this.#loadInto(trial, spec), trial);
    await trial.close();
    return await this.#shared.add(provenOnce(spec, report));
  }

  async #loadInto(process: HostProcess, spec: LoadSpec, verified?: VerifiedLoad): Promise<LoadReport> {
    const { profile, confinement, loadTimeoutMs } = this.#settings;
    const report = await process.load(
      {
        type: 'load',
        spec,
        allowSpinning: profile === 'latency',
        onlyConfined: confinement === 'required',
        ...(verified === undefined ? {} : { verified }),
      },
      loadTimeoutMs,
    );
    this.#confinement = report.confinement;
    return report;
  }

  #roomOf({ folder, compiledCacheFolder }: LoadSpec): HostRoom | undefined {
    return this.#room(folder, compiledCacheFolder);
  }

  #room(packages: string, compiled?: string): HostRoom | undefined {
    const { confinement, folders } = this.#settings;
    if (confinement === 'off') return undefined;
    return { packages: [packages], exchange: folders.exchange, compiled };
  }

  #start(
    title: string,
    room: HostRoom | undefined,
    other: Partial<Pick<HostProcessOptions, 'instead' | 'sampled' | 'isSpare'>> = {},
  ): HostProcess {
    const logger = this.#use.logger.with({ host: title });
    const process = new HostProcess({
      ...this.#use,
      logger,
      sentinel: this.#sentinel,
      title,
      maxHostBytes: this.#settings.maxHostBytes,
      empty: this.#settings.folders.empty,
      room,
      ...other,
    });
    this.#processes.add(process);
    void process.exited.then((exit) => {
      this.#processes.delete(process);
      if (exit.kind === 'closed') return;
      if (this.#spare?.isWaiting(process) === true) {
        logger.info('The spare model host ended', { ...exit });
        return;
      }
      this.#restarts += 1;
      process.logger.warn('Model host ended', { ...exit });
    });
    return process;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Requests were drained before; a run that still hangs must not hold up the end of the agent. */
  async #close(): Promise<void> {
    this.#spare?.close();
    const ended = Promise.all([
      this.#shared.close(),
      ...[...this.#own.values()].map((model) => model.unload()),
    ]);
    await endsWithin(this.#use.clock, CLOSE_LIMIT_MS, ended);
    const left = [...this.#processes];
    for (const process of left) process.kill({ kind: 'closed', sentence: 'Model hosts were closed' });
    await Promise.all(left.map((process) => process.exited));
    this.#sentinel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A load that is refused, late or lost ends its process: whatever that still does, nobody waits for it. */
async function endedUnless<T>(loaded: Promise<T>, process: HostProcess): Promise<T> {
  try {
    return await loaded;
  } catch (error) {
    process.kill({ kind: 'closed', sentence: toEdgeError(error).message });
    throw error;
  }
}

function threadsOfOthers(threads: ReadonlyMap<string, number>, key: string): number {
  const model = modelOf(key);
  const most = new Map<string, number>();
  for (const [other, count] of threads) {
    const name = modelOf(other);
    if (name !== model) most.set(name, Math.max(most.get(name) ?? 0, count));
  }
  return [...most.values()].reduce((sum, count) => sum + count, 0);
}

/** Keys are `<name>@<version>`. */
function modelOf(key: string): string {
  return key.replace(/@.*/s, '');
}
