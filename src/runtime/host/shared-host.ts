import {
  deferred,
  EdgeError,
  messageOf,
  within,
  type Clock,
  type Deferred,
  type JsonObject,
  type Logger,
} from '../../core/mod.js';
import {
  HostLostError,
  type HostedModel,
  type HostExit,
  type LoadReport,
  type LoadSpec,
  type RunRequest,
  type RunResult,
} from './port/mod.js';
import type { HostProcess } from './host-process.js';

export interface SharedHostDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly start: (title: string) => HostProcess;
  readonly load: (process: HostProcess, spec: LoadSpec) => Promise<LoadReport>;
}

interface Member {
  spec: LoadSpec;
  readonly report: LoadReport;
  readonly gone: Deferred<HostExit>;
  limitBytes: number | undefined;
  /** The process that holds the model; pending while it is loaded again after a loss. */
  seat: Promise<HostProcess>;
}

/** How it is loaded again: what was right once needs no samples. */
export function provenOnce(spec: LoadSpec, { digest, compiledDigest }: LoadReport): LoadSpec {
  const compiled = compiledDigest === undefined ? {} : { compiledDigest };
  return { ...spec, runSamples: false, expectedDigest: digest, ...compiled };
}

/**
 * One process for all models, for devices that can't afford one each.
 *
 * When it dies, the model that it was at is to blame: that one is gone (its owner decides whether to load it
 * again), and all others are loaded into a new process. Their requests that were lost run once more, within their
 * deadlines.
 */
export class SharedHost {
  readonly #use: SharedHostDependencies;
  readonly #members = new Map<string, Member>();
  #process: HostProcess | undefined;
  #closed = false;

  constructor(dependencies: SharedHostDependencies) {
    this.#use = dependencies;
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  async add(spec: LoadSpec): Promise<HostedModel> {
    const process = this.#current();
    const report = await this.#use.load(process, spec).catch((error: unknown) => {
      if (this.empty && this.#process === process) void this.#retire(process);
      throw error;
    });
    const member: Member = {
      spec: provenOnce(spec, report),
      report,
      gone: deferred<HostExit>(),
      limitBytes: undefined,
      seat: Promise.resolve(process),
    };
    this.#members.set(spec.key, member);
    return new SharedModel(spec.key, member, this.#use.clock, () => this.#remove(spec.key));
  }

  #current(): HostProcess {
    if (this.#closed) throw new EdgeError('AGENT_STOPPING', 'Cannot load the model as the hosts are closed');
    if (this.#process !== undefined) return this.#process;
    const process = this.#use.start('all models');
    this.#process = process;
    void process.exited.then((exit) => this.#lost(process, exit));
    return process;
  }

  #lost(process: HostProcess, exit: HostExit): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    const { guilty } = process;
    if (guilty !== undefined) this.#leave(guilty, exit);
    if (this.#closed || this.empty) return;
    this.#use.logger.warn('Loading models into a new host', {
      reason: exit.sentence,
      models: [...this.#members.keys()],
    });
    const next = this.#current();
    for (const [key, member] of this.#members) {
      member.seat = this.#reload(next, key, member);
      // A request that waits for the seat sees the error; without one nobody does.
      member.seat.catch(() => undefined);
    }
  }

  async #reload(process: HostProcess, key: string, member: Member): Promise<HostProcess> {
    try {
      await this.#use.load(process, member.spec);
      process.limitMemory(key, member.limitBytes);
      return process;
    } catch (error) {
      // Another model ended the new process too: the next one takes this model.
      if (error instanceof HostLostError && error.guilty !== key) throw error;
      this.#leave(key, { kind: 'crashed', sentence: `Cannot load ${key} again: ${messageOf(error)}` });
      throw error;
    }
  }

  #leave(key: string, exit: HostExit): void {
    const member = this.#members.get(key);
    this.#members.delete(key);
    member?.gone.resolve(exit);
  }

  /** The last model's end is the process's end: only that gives memory back. */
  async #remove(key: string): Promise<void> {
    const member = this.#members.get(key);
    if (member === undefined) return;
    const process = await member.seat.catch(() => undefined);
    await process?.control({ type: 'unload', key }).catch(() => undefined);
    this.#leave(key, { kind: 'closed', sentence: `${key} was unloaded` });
    if (this.empty && this.#process !== undefined) await this.#retire(this.#process);
  }

  #retire(process: HostProcess): Promise<void> {
    this.#process = undefined;
    return process.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#members.keys()].map((key) => this.#remove(key)));
    await this.#process?.close();
  }
}

class SharedModel implements HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  readonly gone: Promise<HostExit>;
  readonly #member: Member;
  readonly #clock: Clock;
  readonly #remove: () => Promise<void>;
  #left = false;

  constructor(key: string, member: Member, clock: Clock, remove: () => Promise<void>) {
    this.key = key;
    this.report = member.report;
    this.gone = member.gone.promise;
    this.#member = member;
    this.#clock = clock;
    this.#remove = remove;
    void this.gone.then(() => {
      this.#left = true;
    });
  }

  async run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    const endsAtMs = this.#clock.monotonicMs() + deadlineMs;
    const seat = await this.#seatWithin(endsAtMs);
    try {
      return await this.#attempt(seat, request, endsAtMs);
    } catch (error) {
      if (!(error instanceof HostLostError) || error.guilty === this.key) throw error;
      // By the time the process has ended, the shared host has chosen the next one.
      await seat.exited;
      if (this.#left) throw error;
      return await this.#attempt(await this.#seatWithin(endsAtMs), request, endsAtMs);
    }
  }

  async #attempt(seat: HostProcess, request: RunRequest, endsAtMs: number): Promise<RunResult> {
    const leftMs = endsAtMs - this.#clock.monotonicMs();
    return await seat.run(this.key, request, leftMs);
  }

  async #seatWithin(endsAtMs: number): Promise<HostProcess> {
    const late = (): EdgeError =>
      new EdgeError('DEADLINE_BEFORE_RUN', `Cannot run ${this.key} in time as its host is restarting`);
    return await within(this.#clock, endsAtMs - this.#clock.monotonicMs(), this.#member.seat, { late });
  }

  async measureBytes(): Promise<number> {
    return await (await this.#member.seat).measureBytes();
  }

  async setCapture(capture: JsonObject | undefined): Promise<void> {
    await (await this.#member.seat).control({ type: 'capture', key: this.key, capture });
    const { capture: _former, ...spec } = this.#member.spec;
    this.#member.spec = capture === undefined ? spec : { ...spec, capture };
  }

  async limitMemory(bytes: number | undefined): Promise<void> {
    this.#member.limitBytes = bytes;
    (await this.#member.seat).limitMemory(this.key, bytes);
  }

  async unload(): Promise<void> {
    await this.#remove();
  }
}
