import { spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { Duplex, PassThrough } from 'node:stream';
import { dirname, join } from '../../disk/mod.js';
import type { CaptureSink } from '../../capture/mod.js';
import { deferred, EdgeError, endsWithin, messageOf, type Clock, type Logger } from '../../core/mod.js';
import {
  BrokenHost,
  HostDialogue,
  UnfitHost,
  type HostAnswer,
  type HostRequest,
  type OpenRequest,
} from './dialogue.js';
import {
  HostLostError,
  type HostExit,
  type LoadReport,
  type LoadSpec,
  type RunRequest,
  type RunResult,
  type VerifiedPackage,
} from './port/mod.js';
import { nativeEnvironment, nativePath, sharedNowUs } from '../../system/mod.js';
import { HOST_CHANNEL, type HostProgram, type HostRoom, type LaunchOrder } from './confinement/mod.js';
import { hostEnvironment } from './host-environment.js';
import { tellLines } from './host-lines.js';
import { heldBytes, measureProcess, residentBytes } from './memory.js';
import type { Sentinel } from './sentinel.js';

/** A run that ends this soon after its deadline spares its host; all beyond is killed. */
const KILL_GRACE_MS = 15;
const MEMORY_CHECK_MS = 100;
/** A host that has nothing to do ends at once when its channel closes. */
const CLOSE_GRACE_MS = 1000;
/** Between the end of a host's channel and the end of its process, either way round. */
const CHANNEL_GRACE_MS = 200;
/** For what takes no time, from when the host has come to it. */
const CONTROL_LIMIT_MS = 30_000;

/** How hosts are started. */
export interface SpawnDetails {
  /** The model host's entry point, absolute. */
  readonly entry: string;
  /** What starts it with fewer rights; see confine.ts. Absolute. */
  readonly launcher: string;
  /** Arguments of Node itself; default none. */
  readonly execArgv?: readonly string[];
}

export interface HostProcessOptions {
  readonly spawn: SpawnDetails;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sentinel: Sentinel;
  /** For sentences: which model, or that it is shared. */
  readonly title: string;
  readonly maxHostBytes: number | undefined;
  /** For its empty folder. */
  readonly empty: string;
  /** What the host is, where it is not the entry point. */
  readonly instead?: HostProgram | undefined;
  /** What it is held to; undefined: what its user may. */
  readonly room: HostRoom | undefined;
  readonly sampled: CaptureSink;
  /** It is started ahead of its model, and makes itself ready meanwhile. */
  readonly isSpare?: boolean;
}

/**
 * One model host process, seen from the control process.
 *
 * - The host answers in the order of our requests, so the oldest unanswered one is what it is at.
 * - A caller is answered at its deadline. The host is killed for the request it is at only; one that still waits
 *   there is skipped by the host.
 * - `exited` resolves once, whatever the end; by then every request has been answered.
 */
export class HostProcess {
  readonly exited: Promise<HostExit>;
  #options: HostProcessOptions;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #dialogue: HostDialogue;
  readonly #exit = deferred<HostExit>();
  /** What each loaded model allows; a host that holds one without a limit has none. */
  readonly #limits = new Map<string, number | undefined>();
  #ending: HostExit | undefined;
  #guilty: string | undefined;
  #armed: OpenRequest | undefined;
  /** What it said in place of a hello. */
  #unfit: EdgeError | undefined;
  readonly #closed = deferred<void>();
  #watching = false;

  constructor(options: HostProcessOptions) {
    this.#options = options;
    this.exited = this.#exit.promise;
    const { room, empty, instead } = options;
    const { entry, launcher } = options.spawn;
    const native = nativeEnvironment(process.env);
    const program = [dirname(entry), ...Object.values(native)];
    const library = nativePath(dirname(launcher), 'koffi.node');
    const order: LaunchOrder = { entry, library, program, room, empty, instead };
    this.#child = spawn(
      process.execPath,
      [...(options.spawn.execArgv ?? []), launcher, JSON.stringify(order)],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        env: hostEnvironment(native, options.isSpare === true),
        cwd: '/',
      },
    );
    if (this.#child.pid !== undefined) options.sentinel.watch(this.#child.pid);
    this.#channel = channelOf(this.#child);
    this.#dialogue = new HostDialogue((bytes) => this.#channel.write(bytes), options.sampled);
    this.#channel.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.#channel.once('end', () => this.#channelEnded());
    // A failed write means that the process is going; its end answers the requests.
    this.#channel.on('error', () => undefined);
    this.#child.once('exit', (code, signal) => void this.#ended(code, signal));
    this.#child.once('close', () => this.#closed.resolve());
    this.#child.on('error', (error) => this.#failed(error));
    tellLines(this.#child, options.clock, () => this.#options.logger);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Names its model. */
  get logger(): Logger {
    return this.#options.logger;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** It has a model from now on: what is said of it names that. */
  adopt({ title, logger }: Pick<HostProcessOptions, 'title' | 'logger'>): void {
    this.#options = { ...this.#options, title, logger };
  }

  /** The key of the model that the host was at when it died. */
  get guilty(): string | undefined {
    return this.#guilty;
  }

  measureBytes(): Promise<number> {
    return this.pid === undefined ? Promise.resolve(0) : measureProcess(this.pid);
  }

  async load(request: Extract<HostRequest, { type: 'load' }>, timeoutMs: number): Promise<LoadReport> {
    const answer = await this.#request(request, timeoutMs);
    if (answer !== undefined && 'digest' in answer) {
      this.#limits.set(request.spec.key, undefined);
      return answer;
    }
    throw new EdgeError('INTERNAL', 'Cannot load the model as its host gave no report');
  }

  async verify(spec: LoadSpec, timeoutMs: number): Promise<VerifiedPackage> {
    const answer = await this.#request({ type: 'verify', spec }, timeoutMs);
    if (answer !== undefined && 'samples' in answer) return answer;
    throw new EdgeError('INTERNAL', 'Cannot verify the package as the host gave no report');
  }

  async run(key: string, request: RunRequest, deadlineMs: number): Promise<RunResult> {
    const deadlineUs = Math.ceil(sharedNowUs() + deadlineMs * 1000);
    try {
      const answer = await this.#request({ type: 'run', key, request, deadlineUs }, deadlineMs);
      if (answer !== undefined && 'runMs' in answer) return answer;
      throw new EdgeError('INTERNAL', 'Cannot run the model as its host gave no result');
    } catch (error) {
      this.#endIfTampered(error);
      throw error;
    }
  }

  async control(request: Extract<HostRequest, { type: 'capture' | 'unload' }>): Promise<void> {
    await this.#request(request, undefined);
    if (request.type === 'unload') this.#limits.delete(request.key);
  }

  /** What a loaded model allows its host to take, with those of others in it. */
  limitMemory(key: string, bytes: number | undefined): void {
    if (this.#limits.has(key)) this.#limits.set(key, bytes);
  }

  async #request(request: HostRequest, deadlineMs: number | undefined): Promise<HostAnswer> {
    if (this.#ending !== undefined) throw this.#lost(request, false);
    const cancelTimer =
      deadlineMs === undefined
        ? () => undefined
        : this.#options.clock.after(deadlineMs, () => this.#expire(open, deadlineMs));
    const open = this.#asked(request, cancelTimer);
    this.#attend();
    this.#watchMemory();
    return await open.answer.promise;
  }

  #asked(request: HostRequest, settled: () => void): OpenRequest {
    try {
      return this.#dialogue.ask(request, settled);
    } catch (error) {
      settled();
      throw error;
    }
  }

  #hear(chunk: Buffer): void {
    if (this.#ending !== undefined) return;
    try {
      this.#dialogue.hear(chunk);
    } catch (thrown) {
      this.#broken(thrown);
    }
    this.#attend();
  }

  #broken(thrown: unknown): void {
    if (thrown instanceof UnfitHost) this.#unfit = thrown.cause;
    const how = thrown instanceof UnfitHost ? 'cannot serve' : 'was killed as it broke the host protocol';
    this.kill({
      kind: 'crashed',
      sentence: `Model host of ${this.#options.title} ${how}: ${messageOf(thrown)}`,
    });
    if (!(thrown instanceof UnfitHost || thrown instanceof BrokenHost)) throw thrown;
  }

  /** Its process mostly ends with it, and says better why. */
  #channelEnded(): void {
    const sentence = `Model host of ${this.#options.title} was killed as it closed its channel`;
    this.#options.clock.after(CHANNEL_GRACE_MS, () => this.kill({ kind: 'crashed', sentence }));
  }

  /** A model whose files changed under it answers nothing any more: a new host checks them from the start. */
  #endIfTampered(error: unknown): void {
    if (!(error instanceof EdgeError) || error.reason !== 'PACKAGE_REFUSED_CONTENT') return;
    this.kill({
      kind: 'crashed',
      sentence: `Model host of ${this.#options.title} was ended: ${error.message}`,
    });
  }

  #expire(open: OpenRequest, deadlineMs: number): void {
    open.late = true;
    const action = open.request.type === 'run' ? 'finish the run' : `${open.request.type} the model`;
    open.answer.reject(
      new EdgeError('DEADLINE_WHILE_RUNNING', `Cannot ${action} within ${Math.round(deadlineMs)} ms`),
    );
    if (open !== this.#dialogue.head) this.#dialogue.cancel(open);
    this.#attend();
  }

  /** Gives the request that the host is at a last moment where it is late, and an end where it has none. */
  #attend(): void {
    const { head } = this.#dialogue;
    if (head === undefined || this.#ending !== undefined) return;
    const { type } = head.request;
    if (head.late) this.#killAfter(head, KILL_GRACE_MS);
    else if (type === 'capture' || type === 'unload') this.#killAfter(head, CONTROL_LIMIT_MS);
  }

  #killAfter(open: OpenRequest, graceMs: number): void {
    if (this.#armed === open) return;
    this.#armed = open;
    this.#options.clock.after(graceMs, () => {
      if (this.#dialogue.head !== open) return;
      const { request } = open;
      const what = request.type === 'run' ? 'a run' : `its ${request.type}`;
      this.kill({
        kind: 'killed-deadline',
        sentence: `Model host of ${keyOf(request)} was killed as ${what} took longer than its deadline`,
      });
    });
  }

  /** Ends the process now; what it was asked fails. */
  kill(exit: HostExit): void {
    if (this.#ending !== undefined) return;
    this.#settle(exit);
    this.#child.kill('SIGKILL');
  }

  /** Ends the process once it has answered everything before; waits for the end. */
  async close(): Promise<void> {
    const exit: HostExit = { kind: 'closed', sentence: `Model host of ${this.#options.title} was closed` };
    if (this.#ending === undefined) {
      this.#settle(exit);
      this.#dialogue.stop();
      this.#channel.end();
      const cancel = this.#options.clock.after(CLOSE_GRACE_MS, () => this.#child.kill('SIGKILL'));
      await this.exited;
      cancel();
    }
    await this.exited;
  }

  async #ended(code: number | null, signal: string | null): Promise<void> {
    if (this.pid !== undefined) this.#left(this.pid);
    // What it wrote before its end says what it was at; a process of its own might hold the channel open.
    await endsWithin(this.#options.clock, CHANNEL_GRACE_MS, this.#closed.promise);
    this.#channel.destroy();
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    this.#settle({ kind: 'crashed', sentence: `Model host of ${this.#options.title} ended with ${how}` });
    this.#exit.resolve(this.#ending ?? { kind: 'crashed', sentence: how });
  }

  #left(pid: number): void {
    this.#options.sentinel.unwatch(pid);
    rm(join(this.#options.empty, String(pid)), { recursive: true, force: true }).catch((error: unknown) => {
      this.#options.logger.warn('The empty folder of a model host stays', { reason: messageOf(error) });
    });
  }

  #failed(error: Error): void {
    if (this.pid !== undefined) return;
    this.#settle({
      kind: 'crashed',
      sentence: `Model host of ${this.#options.title} could not be started: ${messageOf(error)}`,
    });
    this.#exit.resolve(this.#ending ?? { kind: 'crashed', sentence: messageOf(error) });
  }

  /** Fixes why this process ends, and answers what it leaves. */
  #settle(exit: HostExit): void {
    if (this.#ending !== undefined) return;
    const { head } = this.#dialogue;
    const caller = head?.request.type === 'run' ? head.request.request.caller : undefined;
    this.#ending = { ...exit, ...(caller === undefined ? {} : { caller }) };
    this.#guilty = head === undefined ? undefined : keyOf(head.request);
    for (const open of this.#dialogue.end())
      open.answer.reject(this.#unfit ?? this.#lost(open.request, open === head));
  }

  #lost(request: HostRequest, atFault: boolean): HostLostError {
    const exit = this.#ending ?? { kind: 'crashed', sentence: 'its host is gone' };
    const guilty = this.#guilty === undefined ? {} : { guilty: this.#guilty };
    return new HostLostError(`Cannot ${request.type} ${keyOf(request)}`, exit, { ...guilty, atFault });
  }

  /** While there is work: memory grows only then, and an idle control process should sleep. */
  #watchMemory(): void {
    const { clock } = this.#options;
    if (this.#watching || this.#ending !== undefined || this.#dialogue.head === undefined) return;
    if (this.#limitBytes === undefined) return;
    this.#watching = true;
    clock.after(MEMORY_CHECK_MS, () => {
      void this.#checkMemory(this.#limitBytes).finally(() => {
        this.#watching = false;
        this.#watchMemory();
      });
    });
  }

  /** The configured one, else that of a load under way, else what the models allow together. */
  get #limitBytes(): number | undefined {
    const { maxHostBytes } = this.#options;
    if (maxHostBytes !== undefined) return maxHostBytes;
    for (const { request } of this.#dialogue.open) if ('spec' in request) return request.spec.loadLimitBytes;
    const limits = [...this.#limits.values()];
    return limits.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
  }

  async #checkMemory(maxHostBytes: number | undefined): Promise<void> {
    if (maxHostBytes === undefined) return;
    if (this.pid === undefined || (await residentBytes(this.pid)) <= maxHostBytes) return;
    const bytes = await heldBytes(this.pid);
    if (bytes <= maxHostBytes) return;
    const megabytes = (value: number): string => `${Math.ceil(value / 2 ** 20)} MB`;
    this.kill({
      kind: 'killed-memory',
      sentence: `Model host of ${this.#options.title} was killed as it took ${megabytes(bytes)}: allowed are ${megabytes(maxHostBytes)}`,
    });
  }
}

function keyOf(request: HostRequest): string {
  return 'spec' in request ? request.spec.key : request.key;
}

/** The child's descriptor 3: its stream here goes both ways. */
function channelOf({ stdio }: ChildProcess): Duplex {
  const channel = stdio[HOST_CHANNEL];
  // A process that could not be started has none; what is written goes nowhere, and its error tells.
  return channel instanceof Duplex ? channel : new PassThrough();
}
