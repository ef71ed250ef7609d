import { deferred, type Clock, type Deferred } from '../../core/mod.js';
import type { StepName } from '../../recipe/mod.js';
import type { ComponentState, Profile } from './api/mod.js';
import type { Deployed } from './definition.js';
import { ErrorCount } from './error-count.js';
import type { Launch } from './launcher.js';

/** What a service asks of its surroundings. */
export interface ServiceHost {
  readonly profile: Profile;
  readonly clock: Clock;
  /** Starts a step of the service's definition; undefined where there is none or it is skipped. */
  launch(service: Service, step: StepName): Launch | undefined;
  /** Whether the dependencies let the service start. */
  isReady(service: Service): boolean;
  /** Resolves at the next change of any service's state. */
  nextChange(): Promise<void>;
  /** Called after each change of the service's state. */
  changed(service: Service): void;
}

type Interruption = 'stop' | 'restart' | 'errored';
type FailedIn = 'NEW' | 'STARTING' | 'RUNNING';
type End =
  | { readonly kind: 'installed' | 'idle' | 'finished' | 'stop' | 'restart' }
  | { readonly kind: 'failed'; readonly where: FailedIn; readonly reason: string };

/** systemd waits this long before it starts a failed unit again (RestartSec of lite's units). */
const LITE_RETRY_DELAY_MS = 1_000;
const LITE_TRIES = 3;
/** READY and the shell's end come within some milliseconds of each other; the end decides. */
const LITE_READY_SETTLE_MS = 200;
const NUCLEUS_GRACE_MS = 5_000;

/**
 * One component's life: NEW, INSTALLED, STARTING, RUNNING, STOPPING, FINISHED, with ERRORED and BROKEN.
 *
 * - One loop drives it, from `start` to `stop`, FINISHED or BROKEN; whatever comes from outside while it waits is an
 *   interruption, of which `stop` is never lost.
 * - All processes of a life end before the next begins.
 * - On the Java nucleus a life begins with `install`, an error is followed by `recover` and `shutdown`; on lite
 *   `install` is a unit of its own, and errors are followed by a pause of a second.
 */
export class Service {
  definition: Deployed;
  readonly #host: ServiceHost;
  readonly #errors: ErrorCount;
  #state: ComponentState = 'NEW';
  #interruption: Deferred<Interruption> = deferred();
  #reportedRunning: Deferred<void> = deferred();
  #isStopRequested = false;
  #loop: Promise<void> = Promise.resolve();
  #launches: Launch[] = [];
  #hasReached = false;
  #hasTried = false;
  #isFinishing = false;
  #reason = '';
  #graceCapMs = Number.POSITIVE_INFINITY;

  constructor(definition: Deployed, host: ServiceHost) {
    this.definition = definition;
    this.#host = host;
    this.#errors = new ErrorCount(host.profile);
  }

  get name(): string {
    return this.definition.name;
  }

  get state(): ComponentState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#launches.find((launch) => launch.isRunning())?.process.pid;
  }

  /** RUNNING or FINISHED was seen since the last start, whatever came later. */
  get hasReached(): boolean {
    return this.#hasReached;
  }

  /** The first attempt since the last start has ended, well or not. */
  get hasTried(): boolean {
    return this.#hasTried;
  }

  /** It goes down because its work is done, not because it failed or must. */
  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  /** Why it failed last, as the end of a sentence that begins with the component's name; empty if it did not. */
  get reason(): string {
    return this.#reason;
  }

  /** Up by a startup step that is over, with nothing left running. */
  get isSettled(): boolean {
    return this.#state === 'RUNNING' && this.#launches.length > 0 && this.pid === undefined;
  }

  /** Begins a life; the former one must have ended. Also out of BROKEN. */
  start({ install }: { readonly install: boolean }): void {
    this.#errors.clear();
    this.#isStopRequested = false;
    this.#hasReached = false;
    this.#hasTried = false;
    this.#isFinishing = false;
    this.#reason = '';
    this.#interruption = deferred();
    this.#to(install ? 'NEW' : 'INSTALLED');
    this.#loop = this.#live();
  }

  /** On lite a unit whose startup step is over is started again by each deployment. @returns whether it went well */
  async runStartupAgain(): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const launch = this.#host.launch(this, 'startup');
      if (launch === undefined) return true;
      const code = await Promise.race([launch.exited(), launch.timedOut()]);
      const isReady = launch.isReady();
      await launch.end(0);
      if (code === 0 && isReady) return true;
      this.#reason = `its startup script ended with ${code} when it ran again`;
      if (tries === LITE_TRIES) return false;
      await this.#host.clock.sleep(LITE_RETRY_DELAY_MS);
    }
  }

  /** lite's install unit: three tries, no state, nothing left behind. @returns whether one went well */
  async installUnit(signal: AbortSignal): Promise<boolean> {
    const onAbort = (): void => this.#interruption.resolve('stop');
    signal.addEventListener('abort', onAbort, { once: true });
    this.#reason = 'its install was interrupted';
    try {
      for (;;) {
        const end = signal.aborted ? undefined : await this.#installing();
        await this.#endProcesses();
        if (end?.kind !== 'failed') return end?.kind === 'installed';
        this.#reason = end.reason;
        if (this.#errors.add('NEW', this.#host.clock.monotonicMs())) return false;
        await Promise.race([this.#host.clock.sleep(LITE_RETRY_DELAY_MS), this.#interruption.promise]);
      }
    } finally {
      // The signal outlives many installs.
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the life, and whatever processes are left of it. */
  async stop(graceCapMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#graceCapMs = graceCapMs;
    this.#isStopRequested = true;
    this.#interruption.resolve('stop');
    await this.#loop;
    await this.#endProcesses();
    this.#graceCapMs = Number.POSITIVE_INFINITY;
    if (this.#state !== 'BROKEN') this.#to('FINISHED');
  }

  /** A dependency was lost, or somebody asked for it. */
  restart(): void {
    this.#interruption.resolve('restart');
  }

  /** What the component says of itself by UpdateState. */
  report(state: 'RUNNING' | 'ERRORED'): void {
    if (state === 'RUNNING') this.#reportedRunning.resolve();
    else this.#interruption.resolve('errored');
  }

  async #live(): Promise<void> {
    for (;;) {
      const end = this.#state === 'NEW' ? await this.#installing() : await this.#serving();
      const next = await this.#after(end);
      if (next === undefined) return;
      this.#interruption = deferred();
      if (this.#isStopRequested) return;
      this.#to(next);
    }
  }

  /** @returns the state to go on in, or undefined where this life is over */
  async #after(end: End): Promise<ComponentState | undefined> {
    switch (end.kind) {
      case 'installed':
        return 'INSTALLED';
      case 'restart':
        await this.#goDown();
        return 'INSTALLED';
      case 'stop':
        await this.#goDown();
        return undefined;
      case 'idle':
        this.#to('FINISHED');
        return undefined;
      case 'finished':
        this.#isFinishing = true;
        await this.#goDown();
        this.#to('FINISHED');
        return undefined;
      case 'failed':
        return this.#afterFailure(end.where, end.reason);
    }
  }

  async #afterFailure(where: FailedIn, reason: string): Promise<ComponentState | undefined> {
    this.#reason = reason;
    this.#hasTried = true;
    const isBroken = this.#errors.add(where, this.#host.clock.monotonicMs());
    if (isBroken) {
      // The processes end first: who hears of BROKEN may count on their absence.
      await this.#shutDown();
      this.#to('BROKEN');
      return undefined;
    }
    this.#to('ERRORED');
    if (this.#host.profile === 'lite') {
      await this.#endProcesses();
      await Promise.race([this.#host.clock.sleep(LITE_RETRY_DELAY_MS), this.#interruption.promise]);
    } else {
      await this.#complete(this.#launch('recover'));
      if (where !== 'NEW') await this.#goDown();
    }
    return where === 'NEW' ? 'NEW' : 'INSTALLED';
  }

  async #installing(): Promise<End> {
    const launch = this.#launch('install');
    if (launch === undefined) return { kind: 'installed' };
    const happened = await Promise.race([launch.exited(), launch.timedOut(), this.#interruption.promise]);
    if (happened === 0) {
      this.#errors.passed('NEW');
      return { kind: 'installed' };
    }
    await this.#endProcesses();
    return this.#endOf(happened, 'NEW', 'install');
  }

  async #serving(): Promise<End> {
    const blocked = await this.#dependencies();
    if (blocked !== undefined) return blocked;
    this.#reportedRunning = deferred();
    this.#to('STARTING');
    const startup = this.#launch('startup');
    if (startup === undefined) return this.#running();
    const failed = await this.#startingUp(startup);
    if (failed !== undefined) return failed;
    this.#up();
    return this.#staying(startup);
  }

  async #dependencies(): Promise<End | undefined> {
    while (!this.#host.isReady(this)) {
      const happened = await Promise.race([this.#host.nextChange(), this.#interruption.promise]);
      if (this.#isStopRequested) return { kind: 'stop' };
      if (happened !== undefined) this.#interruption = deferred();
    }
    return undefined;
  }

  /** `run`: up as soon as the script has started. */
  async #running(): Promise<End> {
    const run = this.#launch('run');
    if (run === undefined) {
      this.#hasReached = true;
      this.#hasTried = true;
      return { kind: 'idle' };
    }
    this.#up();
    const happened = await Promise.race([run.exited(), run.timedOut(), this.#interruption.promise]);
    if (happened !== 0) return this.#endOf(happened, 'RUNNING', 'run');
    this.#errors.passed('RUNNING');
    return { kind: 'finished' };
  }

  /** `startup`: up by the exit code, on lite by the notification too. */
  async #startingUp(startup: Launch): Promise<End | undefined> {
    const ready = Promise.race([startup.ready(), this.#reportedRunning.promise]).then(() => 'ready' as const);
    const waits = [startup.exited(), startup.timedOut(), this.#interruption.promise] as const;
    let happened = await Promise.race([ready, ...waits]);
    if (happened === 'ready') {
      if (this.#host.profile === 'nucleus') return undefined;
      const settled = this.#host.clock.sleep(LITE_READY_SETTLE_MS).then(() => 'ready' as const);
      happened = await Promise.race([...waits, settled]);
      if (happened === 'ready') return undefined;
    }
    if (happened !== 0) return this.#endOf(happened, 'STARTING', 'startup');
    if (this.#host.profile === 'nucleus' || startup.isReady()) return undefined;
    const reason = 'its startup script ended without "systemd-notify --ready", as after "exit 0"';
    return { kind: 'failed', where: 'STARTING', reason };
  }

  /** Up after `startup`: what the script left behind runs on, until somebody ends it or the script itself fails. */
  async #staying(startup: Launch): Promise<End> {
    for (;;) {
      const waits = startup.isRunning()
        ? [startup.exited(), this.#interruption.promise]
        : [this.#interruption.promise];
      const happened = await Promise.race<number | Interruption>(waits);
      if (happened !== 0) return this.#endOf(happened, 'RUNNING', 'startup');
    }
  }

  #up(): void {
    this.#hasReached = true;
    this.#hasTried = true;
    this.#errors.passed('STARTING');
    this.#to('RUNNING');
  }

  #endOf(happened: number | 'timeout' | Interruption, where: FailedIn, step: StepName): End {
    switch (happened) {
      case 'stop':
      case 'restart':
        if (where !== 'NEW') this.#errors.passed(where);
        return { kind: happened };
      case 'errored':
        return { kind: 'failed', where, reason: 'it reported ERRORED' };
      case 'timeout':
        return { kind: 'failed', where, reason: `its ${step} script did not end in time` };
      default:
        return { kind: 'failed', where, reason: `its ${step} script exited with code ${happened}` };
    }
  }

  async #goDown(): Promise<void> {
    this.#to('STOPPING');
    await this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    await this.#complete(this.#launch('shutdown'));
    await this.#endProcesses();
  }

  /** Waits for a step whose result does not matter. */
  async #complete(launch: Launch | undefined): Promise<void> {
    if (launch !== undefined) await Promise.race([launch.exited(), launch.timedOut()]);
  }

  async #endProcesses(): Promise<void> {
    const launches = this.#launches;
    this.#launches = [];
    const grace = (launch: Launch): number =>
      Math.min(this.#graceCapMs, this.#host.profile === 'lite' ? launch.liteGraceMs : NUCLEUS_GRACE_MS);
    await Promise.all(launches.map((launch) => launch.end(grace(launch))));
  }

  #launch(step: StepName): Launch | undefined {
    const launch = this.#host.launch(this, step);
    if (launch !== undefined) this.#launches.push(launch);
    return launch;
  }

  #to(state: ComponentState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#host.changed(this);
  }
}
