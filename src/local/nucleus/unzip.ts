import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type LocalFileHeader, type ZipFile } from 'yauzl';
import { ArchiveGuard, EdgeError, messageOf, type ArchiveEntry, type ArchiveLimits } from '../../core/mod.js';
import { isNotFound } from '../../disk/mod.js';

interface PlannedEntry {
  readonly entry: Entry;
  /** Below the folder. */
  readonly path: string;
  readonly isFile: boolean;
}

/**
 * Unpacks as the Java nucleus does: files that are there with the same size are skipped. Other than there, the whole
 * archive is judged before anything is written, and a failure leaves no folder behind that was not there before.
 * @throws EdgeError INVALID_ARGUMENT where the archive is unsafe or damaged
 */
export async function unzip(
  archive: string,
  folder: string,
  mode: number,
  limits?: ArchiveLimits,
): Promise<void> {
  const archiveBytes = (await stat(archive)).size;
  const guard = new ArchiveGuard(`Cannot unarchive ${basename(archive)}`, archiveBytes, limits);
  let isNew = false;
  try {
    const zip = await openPromise(archive, { strictFileNames: true, autoClose: false });
    try {
      const planned = await plan(zip, archiveBytes, guard);
      for (const { entry } of planned) await refuseTwoAccounts(zip, entry, guard);
      isNew = (await mkdir(folder, { recursive: true, mode: 0o755 })) !== undefined;
      for (const one of planned) await unpack(zip, one, folder, mode, guard);
    } finally {
      zip.close();
    }
  } catch (thrown) {
    if (isNew) await rm(folder, { recursive: true, force: true });
    if (thrown instanceof EdgeError) throw thrown;
    // The library's messages can have several sentences.
    guard.refuse(`it is damaged: ${messageOf(thrown).split(/\.(?:\s|$)/, 1)[0]}`, thrown);
  }
}

async function plan(zip: ZipFile, archiveBytes: number, guard: ArchiveGuard): Promise<PlannedEntry[]> {
  guard.expect(zip.entryCount);
  const planned: PlannedEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    if (entry.isEncrypted()) guard.refuse(`${entry.fileName} is encrypted`);
    const kind = kindOf(entry);
    const path = guard.enter({ name: entry.fileName, kind, sizeBytes: entry.uncompressedSize });
    planned.push({ entry, path, isFile: kind === 'file' });
  }
  refuseOverlaps(planned, archiveBytes, guard);
  const first = Math.min(...planned.map(({ entry }) => entry.relativeOffsetOfLocalHeader));
  const emptyBytes = END_BYTES + (zip.comment?.length ?? 0);
  // An archive before another, or in its comment: which of them is meant depends on who reads.
  if (planned.length === 0 ? archiveBytes > emptyBytes : first !== 0)
    guard.refuse('something lies before its first entry');
  return planned;
}

/** The high half of the attributes is the Unix mode where a Unix made the entry; 0 where its maker set none. */
function kindOf({ fileName, versionMadeBy, externalFileAttributes }: Entry): ArchiveEntry['kind'] {
  const isFolder = fileName.endsWith('/');
  const type = versionMadeBy >>> 8 === 3 ? (externalFileAttributes >>> 16) & 0o170000 : 0;
  if (type !== 0 && type !== (isFolder ? 0o040000 : 0o100000)) return 'other';
  return isFolder ? 'folder' : 'file';
}

const LOCAL_HEADER_BYTES = 30;
const END_BYTES = 22;
/** Stands for a size that an extra field holds. */
const ZIP64_BYTES = 0xffffffff;

/** Entries that share their bytes are how a small archive becomes endless ones. */
function refuseOverlaps(planned: readonly PlannedEntry[], archiveBytes: number, guard: ArchiveGuard): void {
  const sorted = planned
    .map(({ entry }) => entry)
    .sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const entry of sorted) {
    const start = entry.relativeOffsetOfLocalHeader;
    if (start < end) guard.refuse(`${entry.fileName} overlaps another entry`);
    end = start + LOCAL_HEADER_BYTES + entry.fileNameLength + entry.compressedSize;
    if (end > archiveBytes) guard.refuse(`${entry.fileName} ends after the archive`);
  }
}

const NAME_EXTRA = 0x7075;
const ZIP64_EXTRA = 0x0001;
/** Sums and sizes stand behind the content, and zeros in front of it. */
const HAS_DESCRIPTOR = 0x0008;

/** An entry is told of twice, in front of its content and at the end; readers go by either, and must see one file. */
async function refuseTwoAccounts(zip: ZipFile, entry: Entry, guard: ArchiveGuard): Promise<void> {
  const local = await zip.readLocalFileHeaderPromise(entry);
  const named = entry.extraFields.some(({ id }) => id === NAME_EXTRA);
  const isPlain = entry.fileNameRaw.every((byte) => byte < 0x80);
  const hasTwoNames =
    !local.fileName.equals(entry.fileNameRaw) ||
    (named && isPlain && entry.fileNameRaw.toString('latin1') !== entry.fileName);
  if (hasTwoNames) guard.refuse(`${entry.fileName} has another name elsewhere in it`);
  const hasTwoSizes = entry.extraFields.filter(({ id }) => id === ZIP64_EXTRA).length > 1;
  if (hasTwoSizes || !isSameContent(entry, local))
    guard.refuse(`${entry.fileName} has another size, sum or method elsewhere in it`);
}

function isSameContent(entry: Entry, local: LocalFileHeader): boolean {
  if (local.compressionMethod !== entry.compressionMethod) return false;
  const isDeferred = (local.generalPurposeBitFlag & HAS_DESCRIPTOR) !== 0;
  const isSame = (here: number, there: number): boolean =>
    here === there || here === ZIP64_BYTES || (isDeferred && here === 0);
  return (
    isSame(local.crc32, entry.crc32) &&
    isSame(local.compressedSize, entry.compressedSize) &&
    isSame(local.uncompressedSize, entry.uncompressedSize)
  );
}

async function unpack(
  zip: ZipFile,
  { entry, path, isFile }: PlannedEntry,
  folder: string,
  mode: number,
  guard: ArchiveGuard,
): Promise<void> {
  const target = join(folder, path);
  await mkdir(isFile ? dirname(target) : target, { recursive: true, mode: 0o755 });
  if (!isFile || (await sizeOf(target)) === entry.uncompressedSize) return;
  const checked = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let sum = 0;
    for await (const piece of source) {
      guard.unpacked(piece.length);
      sum = crc32(piece, sum);
      yield piece;
    }
    if (sum !== entry.crc32) guard.refuse(`${path} does not match its checksum`);
  };
  await pipeline(await zip.openReadStreamPromise(entry), checked, createWriteStream(target));
  await chmod(target, mode);
}

/** Undefined where nothing is there. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
