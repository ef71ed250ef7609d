import { isAlive, ownIdentity } from '../../system/mod.js';
import { join, type Disk } from '../../disk/mod.js';
import { spoolFolders } from './layout.js';
import type { SegmentBase } from './segment-name.js';

/**
 * Claims keep the agent from evicting a segment that is being uploaded. A claim is an empty file, so that it can
 * be made on a full disk, and its name holds all: `claims/<base>.<pid>.<start ticks>`.
 *
 * Order decides every race: the uploader claims, then opens the segment. The agent takes the segment's name
 * away, then looks for claims, and puts the name back where it finds a live one. So either the agent sees the claim, or
 * the uploader finds no segment.
 */
export async function claimSegment(
  disk: Disk,
  root: string,
  name: SegmentBase,
): Promise<() => Promise<void>> {
  const { claims } = spoolFolders(root);
  const { pid, started } = await ownIdentity();
  const own = `.${pid}.${started}`;
  const path = join(claims, `${name.base}${own}`);
  const names = await disk.list(claims);
  // Others that are there say that the folder is.
  if (names.length === 0) await disk.makeFolder(claims);
  for (const other of names) {
    // The same process may claim again after an upload that failed. A killed uploader's stay where nobody asks for them.
    if (other === `${name.base}${own}` || !(other.endsWith(own) || (await isOfTheLiving(other))))
      await disk.remove(join(claims, other));
  }
  await (await disk.create(path)).close();
  return async () => await disk.remove(path);
}

/** Whether a live process works on the segment. Claims of processes that have ended are removed. */
export async function isClaimed(disk: Disk, root: string, base: string): Promise<boolean> {
  const { claims } = spoolFolders(root);
  for (const name of await disk.list(claims)) {
    if (!name.startsWith(`${base}.`)) continue;
    if (await isOfTheLiving(name)) return true;
    await disk.remove(join(claims, name));
  }
  return false;
}

async function isOfTheLiving(name: string): Promise<boolean> {
  const match = /\.(\d{1,10})\.(\d*)$/.exec(name);
  return match !== null && (await isAlive({ pid: Number(match[1]), started: match[2] ?? '' }));
}
