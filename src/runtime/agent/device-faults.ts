import type { Reason } from '../../contract/mod.js';
import type { EdgeError } from '../../core/mod.js';

const OF_THE_DEVICE: ReadonlySet<Reason> = new Set([
  'AGENT_STOPPING',
  'DISK_FAILED',
  'DISK_FULL',
  'FILE_DENIED',
  'PACKAGE_QUOTA',
]);

/** Whether an error tells of the device alone: no evidence against a package, whatever was tried with it. */
export function isDeviceFault({ reason }: EdgeError): boolean {
  return OF_THE_DEVICE.has(reason);
}
