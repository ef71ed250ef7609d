import { spawn, type ChildProcess } from 'node:child_process';
import type { Logger } from '../../core/mod.js';

/** Reads `+ <pid>` and `- <pid>` lines, and kills what is left on its list when its input ends. */
const SCRIPT = `trap '' TERM INT HUP
while read -r sign pid; do
  case "$sign" in
    +) pids="$pids $pid" ;;
    -) rest=
       for known in $pids; do [ "$known" = "$pid" ] || rest="$rest $known"; done
       pids=$rest ;;
  esac
done
for known in $pids; do kill -9 "$known" 2>/dev/null; done`;

/**
 * Ends model hosts whose control process died. A host that waits sees its channel close and ends by itself; one
 * that is within a run sees nothing, and a hanging one would stay for good. Node has no parent-death signal, so a
 * shell of a few hundred kB waits for the end of our pipe, which the kernel closes however we die.
 */
export class Sentinel {
  readonly #logger: Logger;
  #shell: ChildProcess | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  watch(pid: number): void {
    this.#shell ??= this.#start();
    this.#shell.stdin?.write(`+ ${pid}\n`);
  }

  unwatch(pid: number): void {
    this.#shell?.stdin?.write(`- ${pid}\n`);
  }

  close(): void {
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #start(): ChildProcess {
    // Its own session: signals to the component's process group are meant for others.
    const shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      cwd: '/',
      detached: true,
    });
    const failed = (error: Error): void => {
      this.#logger.warn(
        'Model hosts are not watched: one that hangs while this process is killed will stay',
        {
          error,
        },
      );
    };
    shell.once('error', failed);
    shell.stdin.on('error', failed);
    shell.unref();
    if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
    return shell;
  }
}
