import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HOST_CHANNEL, type HostRoom, type LaunchOrder } from '../../src/runtime/host/confinement/mod.js';
import { bundleScript } from './bundle-script.js';
import type { ProbeOrder } from './confinement-probe.js';
import { hostScripts } from './model-hosts.js';

/** What a probe below the launcher could do: for each name what came back. */
export type ProbeAnswers = Readonly<Record<string, unknown>>;

/** Runs a probe in a model host's place; `folder` is for its script and its empty folder. */
export async function probeBelowLauncher(
  folder: string,
  room: HostRoom | undefined,
  order: ProbeOrder,
): Promise<ProbeAnswers> {
  const program = join(folder, 'program');
  const script = fileURLToPath(new URL('./confinement-probe.js', import.meta.url));
  const entry = await bundleScript(script, program);
  const { launcher } = await hostScripts();
  const library = join(dirname(launcher), 'koffi.node');
  const launch: LaunchOrder = { entry, library, program: [program], empty: join(folder, 'empty'), room };
  const child = spawn(process.execPath, [launcher, JSON.stringify(launch)], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { OPENSSL_CONF: '/dev/null' },
    cwd: '/',
  });
  const channel = child.stdio[HOST_CHANNEL];
  assert.ok(channel instanceof Duplex);
  // At once, as the control process does: nothing of it may be lost on the way to the host.
  channel.write(`${JSON.stringify(order)}\n`);
  const [line] = (await Promise.race([
    once(createInterface(channel), 'line'),
    once(child, 'exit').then(([code, signal]) => {
      throw new Error(`Cannot probe as the process ended: ${String(code ?? signal)}`);
    }),
  ])) as [string];
  const answers = JSON.parse(line) as ProbeAnswers;
  channel.end();
  await once(child, 'exit');
  return answers;
}

/** Why the kernel of this machine can't hold a host to its own files, or undefined. */
export async function landlockAbsence(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-landlock-'));
  try {
    const room = { packages: [], exchange: [] };
    const { told } = await probeBelowLauncher(folder, room, {
      told: ['read', '/etc/passwd'],
    });
    return told === 'EACCES' ? undefined : 'this kernel has no Landlock';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
