import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT, UPLOADER, type Stage } from '../stage/mod.js';

/**
 * What a bad day does: S3 is away for the middle third, the uploader and the agent's control process are killed twice
 * each, IPC restarts twice (nucleus lite forgets every SVCUID then), and the token exchange dies twice and comes back on
 * another port, at fixed points of the run.
 */
export async function startChaos(
  stage: Stage,
  durationMs: number,
  tell: (text: string) => void,
): Promise<void> {
  const third = durationMs / 3;
  const at: readonly [number, () => Promise<void>][] = [
    [0.3 * third, () => killControl(stage, tell)],
    [0.6 * third, () => killUploader(stage, tell)],
    [0.8 * third, () => restartIpc(stage, tell)],
    [0.9 * third, () => restartTokenExchange(stage, tell)],
    [third, () => setS3Away(stage, true, tell)],
    [1.4 * third, () => killControl(stage, tell)],
    [1.6 * third, () => restartTokenExchange(stage, tell)],
    [1.7 * third, () => killUploader(stage, tell)],
    [2 * third, () => setS3Away(stage, false, tell)],
    [2.2 * third, () => restartIpc(stage, tell)],
  ];
  const begunMs = performance.now();
  for (const [afterMs, act] of at) {
    await sleep(Math.max(0, begunMs + afterMs - performance.now()));
    await act();
  }
}

function setS3Away(stage: Stage, away: boolean, tell: (text: string) => void): Promise<void> {
  tell(away ? 'S3 goes away' : 'S3 is back');
  stage.s3.setFaults(away ? () => ({ kind: 'reset' }) : undefined);
  return Promise.resolve();
}

async function restartIpc(stage: Stage, tell: (text: string) => void): Promise<void> {
  const forgets = stage.nucleus.profile === 'lite' ? ', and has forgotten every SVCUID' : '';
  await stage.nucleus.restartIpc();
  tell(`Greengrass IPC has restarted${forgets}`);
}

async function restartTokenExchange(stage: Stage, tell: (text: string) => void): Promise<void> {
  await stage.nucleus.restartTokenExchange();
  tell('the token exchange has died, and come back on another port');
}

async function killUploader(stage: Stage, tell: (text: string) => void): Promise<void> {
  tell(`SIGKILL to the uploader (${await killMember(stage, UPLOADER, 'upload.js')})`);
}

async function killControl(stage: Stage, tell: (text: string) => void): Promise<void> {
  tell(`SIGKILL to the agent's control process (${await killMember(stage, AGENT, 'control.js')})`);
}

async function killMember(stage: Stage, component: string, script: string): Promise<number> {
  const family = await familyOf(pidOf(stage, component));
  const member = family.find(({ command }) => command.includes(script));
  if (member === undefined) throw new Error(`Cannot kill ${script} of ${component} as it does not run`);
  process.kill(member.pid, 'SIGKILL');
  return member.pid;
}

function pidOf(stage: Stage, component: string): number {
  const pid = stage.nucleus.components().find((status) => status.name === component)?.pid;
  if (pid === undefined) throw new Error(`Cannot find the process of ${component}`);
  return pid;
}

interface Member {
  readonly pid: number;
  readonly command: string;
}

/** A process and all below it. */
async function familyOf(root: number): Promise<readonly Member[]> {
  const parents = new Map<number, number>();
  const commands = new Map<number, string>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) continue;
    const pid = Number(entry);
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    commands.set(
      pid,
      (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
    );
  }
  const belongs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === root) return true;
    return false;
  };
  return [...commands].filter(([pid]) => belongs(pid)).map(([pid, command]) => ({ pid, command }));
}
