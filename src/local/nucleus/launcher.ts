import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../core/mod.js';
import type { StepName } from '../../recipe/mod.js';
import type { Profile } from './api/mod.js';
import { watchNotifications, type Notifications } from './notify.js';
import type { RootPaths } from './paths.js';
import type { PreparedStep } from './prepared-step.js';
import type { RunningGroups } from './running-groups.js';
import { startScript, type ScriptProcess } from './script-process.js';

/** A step that runs. */
export interface Launch {
  readonly process: ScriptProcess;
  /** How long systemd waits between SIGTERM and SIGKILL. */
  readonly liteGraceMs: number;
  exited(): Promise<number>;
  /** Resolves when the step's time is over; never for a step without one. */
  timedOut(): Promise<'timeout'>;
  /** Resolves at the notification; never on the Java nucleus. */
  ready(): Promise<void>;
  isReady(): boolean;
  isRunning(): boolean;
  end(graceMs: number): Promise<void>;
}

export interface LauncherOptions {
  readonly profile: Profile;
  readonly paths: RootPaths;
  readonly groups: RunningGroups;
  readonly clock: Clock;
}

/** systemd's TimeoutStopSec where a unit has none; lite's `run` units take their Timeout, default 120 s. */
const SYSTEMD_STOP_MS = 90_000;
const LITE_RUN_STOP_MS = 120_000;

/** Starts a prepared step as a core would; undefined where its Skipif holds. */
export function launchStep(
  component: string,
  step: StepName,
  prepared: PreparedStep,
  environment: Readonly<Record<string, string>>,
  { profile, paths, groups, clock }: LauncherOptions,
): Launch | undefined {
  const whole = { ...environment, ...prepared.setenv };
  if (prepared.skipIf !== undefined && holds(prepared.skipIf, whole['PATH'] ?? '')) return undefined;
  const workPath = paths.work(component);
  mkdirSync(workPath, { recursive: true, mode: 0o700 });
  const isNotified = profile === 'lite' && step === 'startup';
  const notifyPath = join(paths.run, `${component}.notify`);
  const notifications = isNotified ? watchNotifications(notifyPath) : undefined;
  const process = startScript(
    {
      script: prepared.script,
      environment: isNotified ? withStandIn(whole, paths.bin, notifyPath) : whole,
      workPath,
      logPath: paths.log(component),
    },
    groups,
    clock,
  );
  const isRunUnit = profile === 'lite' && step === 'run';
  return track(
    process,
    notifications,
    // On lite, the time of a run step is that of systemd's start and stop, not of the run itself.
    isRunUnit ? undefined : prepared.timeoutMs,
    isRunUnit ? (prepared.timeoutMs ?? LITE_RUN_STOP_MS) : SYSTEMD_STOP_MS,
    clock,
  );
}

function track(
  process: ScriptProcess,
  notifications: Notifications | undefined,
  timeoutMs: number | undefined,
  liteGraceMs: number,
  clock: Clock,
): Launch {
  let isRunning = true;
  let cancel = (): void => undefined;
  const timedOut = new Promise<'timeout'>((resolve) => {
    if (timeoutMs !== undefined) cancel = clock.after(timeoutMs, () => resolve('timeout'));
  });
  const exited = process.exited.then((code) => {
    isRunning = false;
    cancel();
    return code;
  });
  return {
    process,
    liteGraceMs,
    exited: () => exited,
    timedOut: () => timedOut,
    ready: () => notifications?.ready ?? new Promise(() => undefined),
    isReady: () => notifications?.isReady() ?? false,
    isRunning: () => isRunning,
    end: async (graceMs) => {
      cancel();
      await process.end(graceMs);
      await exited;
      notifications?.close();
    },
  };
}

function withStandIn(
  environment: Readonly<Record<string, string>>,
  bin: string,
  notifyPath: string,
): Record<string, string> {
  const path = environment['PATH'] ?? '';
  return { ...environment, PATH: `${bin}${delimiter}${path}`, NOTIFY_SOCKET: notifyPath };
}

/** `onpath <command>` or `exists <file>`, with `!` before it for the contrary. */
function holds(expression: string, path: string): boolean {
  const [, not = '', test = '', operand = ''] =
    /^(!?)\s*(onpath|exists)\s+(.*)$/s.exec(expression.trim()) ?? [];
  const file = operand.trim();
  const isTrue =
    test === 'exists'
      ? existsSync(file)
      : path.split(delimiter).some((folder) => isExecutable(join(folder, file)));
  return isTrue !== (not === '!');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
