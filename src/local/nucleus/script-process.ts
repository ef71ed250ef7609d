import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../../core/mod.js';
import { endGroup, isGroupAlive } from './process-group.js';
import type { RunningGroups } from './running-groups.js';

export interface ScriptOptions {
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workPath: string;
  /** Standard output and error are appended to it. */
  readonly logPath: string;
}

/** A lifecycle script in a process group of its own. */
export interface ScriptProcess {
  readonly pid: number | undefined;
  /** The shell's exit code; 128 and the signal's number where a signal ended it, 127 where there is no shell. */
  readonly exited: Promise<number>;
  /** Ends the shell and everything it started, also after the shell itself has ended. */
  end(graceMs: number): Promise<void>;
}

/** Starts `sh -c <script>` with exactly the given environment. */
export function startScript(options: ScriptOptions, groups: RunningGroups, clock: Clock): ScriptProcess {
  const log = openSync(options.logPath, 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', options.script], {
      cwd: options.workPath,
      env: { ...options.environment },
      stdio: ['ignore', log, log],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    const exited = new Promise<number>((resolve) => {
      child.on('error', () => resolve(127));
      child.on('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
    });
    const end = async (graceMs: number): Promise<void> => {
      if (pid === undefined) return;
      await endGroup(pid, graceMs, clock);
      groups.remove(pid);
    };
    if (pid !== undefined) {
      void exited.then(() => {
        if (!isGroupAlive(pid)) groups.remove(pid);
      });
    }
    return { pid, exited, end };
  } finally {
    closeSync(log);
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  switch (signal) {
    case 'SIGHUP':
      return 1;
    case 'SIGINT':
      return 2;
    case 'SIGABRT':
      return 6;
    case 'SIGKILL':
      return 9;
    case 'SIGSEGV':
      return 11;
    default:
      return 15;
  }
}
