import { fork, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { dirname, join } from '../../disk/mod.js';
import type { CaptureSink } from '../../capture/mod.js';
import {
  deferred,
  EdgeError,
  limited,
  messageOf,
  type Clock,
  type Deferred,
  type Logger,
} from '../../core/mod.js';
import {
  HostLostError,
  type HostExit,
  type LoadReport,
  type RunResult,
  fromFailure,
  type HostCommand,
  type HostMessage,
} from './port/mod.js';
import { nativeEnvironment, nativePath } from '../../system/mod.js';
import type { HostRoom, LaunchOrder } from './confinement/mod.js';
import { heldBytes, measureProcess, residentBytes } from './memory.js';
import type { Sentinel } from './sentinel.js';

/** A run that ends this soon after its deadline spares its host; all beyond is killed. */
const KILL_GRACE_MS = 15;
const MEMORY_CHECK_MS = 100;
/** A host that has nothing to do ends at once when its channel closes. */
const CLOSE_GRACE_MS = 1000;
const LOG_LINE_CHARS = 1000;
/** ONNX Runtime writes a line for each run that fails, and any app can let runs fail. */
const LOG_LIMIT = { most: 30, windowMs: 60_000 };

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
  /** What it is held to; undefined: what its user may. */
  readonly room: HostRoom | undefined;
  readonly sampled: CaptureSink;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
export type HostRequest = WithoutId<Exclude<HostCommand, { type: 'run' }>> | RunHostRequest;
type RunHostRequest = Omit<Extract<HostCommand, { type: 'run' }>, 'id' | 'deadlineAtMs'>;
type Answer = LoadReport | RunResult | undefined;

interface Pending {
  readonly request: HostRequest;
  readonly answer: Deferred<Answer>;
  readonly cancelTimer: () => void;
  /** Its deadline has passed and its caller been answered. */
  late: boolean;
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
  readonly #options: HostProcessOptions;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #exit = deferred<HostExit>();
  /** What each loaded model allows; a host that holds one without a limit has none. */
  readonly #limits = new Map<string, number | undefined>();
  #ending: HostExit | undefined;
  #guilty: string | undefined;
  #nextId = 1;
  #armed: number | undefined;
  #watching = false;

  constructor(options: HostProcessOptions) {
    this.#options = options;
    this.exited = this.#exit.promise;
    const { spawn, room, empty } = options;
    const native = nativeEnvironment(process.env);
    const program = [dirname(spawn.entry), ...Object.values(native)];
    const library = nativePath(dirname(spawn.launcher), 'koffi.node');
    const order: LaunchOrder = { entry: spawn.entry, library, program, room, empty };
    this.#child = fork(spawn.launcher, [JSON.stringify(order)], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [...(spawn.execArgv ?? [])],
      // Nothing else: no SVCUID, no AWS_*, no NODE_OPTIONS. glibc's arenas keep what ONNX Runtime frees.
      env: {
        MALLOC_ARENA_MAX: '1',
        MALLOC_TRIM_THRESHOLD_: '65536',
        ORT_DISABLE_TELEMETRY: '1',
        // It lies in another place with each Node; a host needs nothing of it.
        OPENSSL_CONF: '/dev/null',
        ...native,
      },
      cwd: '/',
    });
    if (this.#child.pid !== undefined) options.sentinel.watch(this.#child.pid);
    this.#child.on('message', (message) => this.#receive(message as HostMessage));
    this.#child.once('exit', (code, signal) => this.#ended(code, signal));
    this.#child.on('error', (error) => this.#failed(error));
    const { clock, logger } = options;
    const heldBack = (lines: number): void => logger.warn('Model host wrote more than is logged', { lines });
    const info = (line: string): void => logger.info('Model host wrote', { line });
    const warn = (line: string): void => logger.warn('Model host wrote', { line });
    logLines(this.#child.stdout, limited(clock, LOG_LIMIT, info, heldBack));
    logLines(this.#child.stderr, limited(clock, LOG_LIMIT, warn, heldBack));
  }

  get pid(): number | undefined {
    return this.#child.pid;
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

  async run(request: RunHostRequest, deadlineMs: number): Promise<RunResult> {
    const answer = await this.#request(request, deadlineMs);
    if (answer !== undefined && 'runMs' in answer) return answer;
    throw new EdgeError('INTERNAL', 'Cannot run the model as its host gave no result');
  }

  async control(request: Extract<HostRequest, { type: 'capture' | 'unload' }>): Promise<void> {
    await this.#request(request, undefined);
    if (request.type === 'unload') this.#limits.delete(request.key);
  }

  /** What a loaded model allows its host to take, with those of others in it. */
  limitMemory(key: string, bytes: number | undefined): void {
    if (this.#limits.has(key)) this.#limits.set(key, bytes);
  }

  #request(request: HostRequest, deadlineMs: number | undefined): Promise<Answer> {
    if (this.#ending !== undefined) return Promise.reject(this.#lost(request, false));
    const id = this.#nextId++;
    const answer = deferred<Answer>();
    const cancelTimer =
      deadlineMs === undefined
        ? () => undefined
        : this.#options.clock.after(deadlineMs, () => this.#expire(id, deadlineMs));
    this.#pending.set(id, { request, answer, cancelTimer, late: false });
    const command =
      request.type === 'run'
        ? { ...request, id, deadlineAtMs: sharedNowMs() + (deadlineMs ?? Infinity) }
        : { ...request, id };
    // A failed send means that the process is going; its end answers the request.
    this.#child.send(command, () => undefined);
    this.#watchMemory();
    return answer.promise;
  }

  #receive(message: HostMessage): void {
    if (message.type === 'captured') {
      this.#options.sampled(message.record);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) {
      if (message.type === 'failed') {
        this.#options.logger.warn('Model host failed after its answer', { ...message.error });
      }
      return;
    }
    this.#pending.delete(message.id);
    pending.cancelTimer();
    if (message.type === 'done') pending.answer.resolve(message.value);
    else pending.answer.reject(fromFailure(message.error));
    this.#endIfTampered(pending.request, message);
    this.#armKill();
  }

  /** A model whose files changed under it answers nothing any more: a new host checks them from the start. */
  #endIfTampered({ type }: HostRequest, message: HostMessage): void {
    if (type !== 'run' || message.type !== 'failed' || message.error.reason !== 'PACKAGE_REFUSED_CONTENT')
      return;
    this.kill({
      kind: 'crashed',
      sentence: `Model host of ${this.#options.title} was ended: ${message.error.message}`,
    });
  }

  #expire(id: number, deadlineMs: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.late = true;
    const { type } = pending.request;
    const action = type === 'load' ? 'load the model' : 'finish the run';
    pending.answer.reject(
      new EdgeError('DEADLINE_WHILE_RUNNING', `Cannot ${action} within ${Math.round(deadlineMs)} ms`),
    );
    this.#armKill();
  }

  /** Gives the request that the host is at a last moment where it is late. */
  #armKill(): void {
    const [head] = this.#pending;
    if (head === undefined || !head[1].late || this.#armed === head[0]) return;
    const [id, { request }] = head;
    this.#armed = id;
    this.#options.clock.after(KILL_GRACE_MS, () => {
      if (!this.#pending.has(id)) return;
      const what = request.type === 'load' ? 'its load' : 'a run';
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
      if (this.#child.connected) this.#child.disconnect();
      const cancel = this.#options.clock.after(CLOSE_GRACE_MS, () => this.#child.kill('SIGKILL'));
      await this.exited;
      cancel();
    }
    await this.exited;
  }

  #ended(code: number | null, signal: string | null): void {
    if (this.pid !== undefined) this.#left(this.pid);
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
    const [head] = this.#pending.values();
    const caller = head?.request.type === 'run' ? head.request.request.caller : undefined;
    this.#ending = { ...exit, ...(caller === undefined ? {} : { caller }) };
    this.#guilty = head === undefined ? undefined : keyOf(head.request);
    for (const pending of this.#pending.values()) {
      pending.cancelTimer();
      pending.answer.reject(this.#lost(pending.request, pending === head));
    }
    this.#pending.clear();
  }

  #lost(request: HostRequest, atFault: boolean): HostLostError {
    const exit = this.#ending ?? { kind: 'crashed', sentence: 'its host is gone' };
    const guilty = this.#guilty === undefined ? {} : { guilty: this.#guilty };
    return new HostLostError(`Cannot ${request.type} ${keyOf(request)}`, exit, { ...guilty, atFault });
  }

  /** While there is work: memory grows only then, and an idle control process should sleep. */
  #watchMemory(): void {
    const { clock } = this.#options;
    if (this.#limitBytes === undefined || this.#watching || this.#ending !== undefined) return;
    if (this.#pending.size === 0) return;
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
    for (const { request } of this.#pending.values())
      if (request.type === 'load') return request.spec.loadLimitBytes;
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
  return request.type === 'load' ? request.spec.key : request.key;
}

/** CLOCK_MONOTONIC, the same in all processes of the machine. */
function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function logLines(stream: Readable | null, log: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, LOG_LINE_CHARS);
    for (const line of lines) if (line !== '') log(line.slice(0, LOG_LINE_CHARS));
  });
}
