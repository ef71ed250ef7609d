import { createOnnxEngine } from '../../../engine/mod.js';
import { systemClock, systemRandom } from '../../../system/mod.js';
import type { HostCommand, HostMessage } from '../port/mod.js';
import { confinementHere } from '../confinement/mod.js';
import { ModelHost } from './host.js';

/** Runs a model host in this process until the control process closes the channel. */
export function runModelHost(): void {
  // The control process decides when a host ends: a nucleus that stops the component signals the whole group,
  // and requests that are being drained still need their host.
  process.on('SIGTERM', () => undefined);
  process.on('SIGINT', () => undefined);
  process.once('disconnect', () => process.exit(0));
  const send = (message: HostMessage): void => {
    process.send?.(message);
  };
  const host = new ModelHost({
    engine: createOnnxEngine,
    clock: systemClock,
    sharedNowMs: () => Number(process.hrtime.bigint()) / 1e6,
    random: systemRandom,
    send,
    confinement: confinementHere(process.env),
  });
  process.on('message', (command) => host.accept(command as HostCommand));
}
