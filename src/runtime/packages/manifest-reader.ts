import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, messageOf, toEdgeError } from '../../core/mod.js';
import { diskError } from '../../disk/mod.js';
import { MANIFEST_FILE, MANIFEST_MAX_BYTES, parseManifest, type Manifest } from '../../model/mod.js';

/** A package as its manifest describes it; nothing of it is verified yet. */
export interface Announced {
  readonly manifest: Manifest;
  readonly digest: string;
}

/**
 * Reads only the manifest, so that an already admitted package is known at once. The host verifies everything.
 * @throws EdgeError NOT_FOUND where the folder or its manifest is not there, FAILED_PRECONDITION where it is no
 * manifest, UNAVAILABLE where the disk fails, PERMISSION_DENIED where it may not be read
 */
export async function readAnnounced(folder: string): Promise<Announced> {
  const bytes = await readBounded(join(folder, MANIFEST_FILE));
  try {
    return { manifest: parseManifest(bytes), digest: createHash('sha256').update(bytes).digest('hex') };
  } catch (thrown) {
    const { message, field } = toEdgeError(thrown);
    throw new EdgeError('PACKAGE_REFUSED_MANIFEST', message, { field, cause: thrown });
  }
}

/** What says that nothing readable has this name; every other error is the device's. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG']);

async function readBounded(path: string): Promise<Uint8Array> {
  let handle;
  try {
    // Non-blocking, so that a FIFO in the manifest's place does not hold a thread for ever.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if (!ABSENT.has(codeOf(thrown))) throw unreadable(thrown);
    throw new EdgeError(
      'PACKAGE_NOT_FOUND',
      `Cannot read the package as there is no ${MANIFEST_FILE}: ${codeOf(thrown)}`,
      { field: 'path', cause: thrown },
    );
  }
  try {
    const info = await handle.stat();
    if (!info.isFile() || info.size > MANIFEST_MAX_BYTES) {
      throw new EdgeError(
        'PACKAGE_REFUSED_MANIFEST',
        `Cannot read the package as ${MANIFEST_FILE} must be a regular file of at most ${MANIFEST_MAX_BYTES} bytes`,
        { field: 'path' },
      );
    }
    return await handle.readFile().catch((thrown: unknown) => {
      throw unreadable(thrown);
    });
  } finally {
    await handle.close();
  }
}

function unreadable(thrown: unknown): EdgeError {
  const { reason } = diskError(thrown, 'read the package');
  return new EdgeError(reason, `Cannot read ${MANIFEST_FILE} of the package: ${codeOf(thrown)}`, {
    field: 'path',
    cause: thrown,
  });
}

/** The errno only: messages hold paths. */
function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : messageOf(thrown);
}
