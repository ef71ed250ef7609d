import type { ArchiveEntry, ArchiveGuard } from '../../src/core/mod.js';
import { ByteQueue } from './byte-queue.js';

const BLOCK_BYTES = 512;
const MAX_EXTENSION_BYTES = 64 * 1024;

export interface TarFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** To be read, if at all, before the next file is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
}

/** What an entry says of the next one: a name or a size that the fields of a header cannot hold. */
interface Extension {
  readonly name?: string;
  readonly sizeBytes?: number;
}

/**
 * The plain files of a tar archive (ustar, pax, GNU's long names), as a stream. Everything else in it must be a
 * folder; the guard is asked about each entry. Nothing is written.
 * @throws EdgeError INVALID_ARGUMENT by the guard, where the archive is unsafe or damaged
 */
export async function* tarFiles(
  source: AsyncIterable<Uint8Array>,
  guard: ArchiveGuard,
): AsyncGenerator<TarFile> {
  const queue = new ByteQueue(source);
  let extension: Extension = {};
  for (;;) {
    const block = (await queue.take(BLOCK_BYTES)) ?? damaged(guard, 'it is cut off');
    if (block.every((byte) => byte === 0)) break;
    const header = readHeader(block, guard);
    if ('xgLK'.includes(header.type)) {
      extension = joined(extension, await readExtension(header, queue, guard), guard);
      continue;
    }
    const name = extension.name ?? header.name;
    const sizeBytes = extension.sizeBytes ?? header.sizeBytes;
    // Zero stands in a header for a size that it can't hold; readers go by either of two others.
    if (header.sizeBytes !== 0 && header.sizeBytes !== sizeBytes) twoAccounts(guard, name);
    extension = {};
    const kind = kindOf(header.type);
    const path = guard.enter({ name, kind, sizeBytes });
    const body = contentOf(queue, sizeBytes, path, guard);
    if (kind === 'file') yield { path, sizeBytes, content: body };
    for await (const _rest of body);
  }
  for (let rest = await queue.some(BLOCK_BYTES); rest !== undefined; rest = await queue.some(BLOCK_BYTES)) {
    if (rest.some((byte) => byte !== 0)) damaged(guard, 'something follows its end');
  }
}

/** Readers go by the first or by the last of two names for one file. */
function joined(before: Extension, next: Extension, guard: ArchiveGuard): Extension {
  for (const key of ['name', 'sizeBytes'] as const) {
    const isTwice = before[key] !== undefined && next[key] !== undefined;
    if (isTwice && before[key] !== next[key]) twoAccounts(guard, String(next.name ?? before.name));
  }
  return { ...before, ...next };
}

function twoAccounts(guard: ArchiveGuard, name: string): never {
  return guard.refuse(`${JSON.stringify(name.slice(0, 80))} has two names or sizes`);
}

function damaged(guard: ArchiveGuard, reason: string): never {
  return guard.refuse(`its archive is damaged: ${reason}`);
}

function kindOf(type: string): ArchiveEntry['kind'] {
  return type === '' || type === '0' ? 'file' : type === '5' ? 'folder' : 'other';
}

/** The bytes of an entry; the padding after them is taken with the last. */
async function* contentOf(
  queue: ByteQueue,
  sizeBytes: number,
  path: string,
  guard: ArchiveGuard,
): AsyncGenerator<Buffer> {
  for (let left = sizeBytes; left > 0;) {
    const piece = (await queue.some(left)) ?? damaged(guard, `the file ${path} is cut off`);
    left -= piece.length;
    yield piece;
  }
  const padding = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
  if ((await queue.take(padding)) === undefined) damaged(guard, `the file ${path} is cut off`);
}

function readHeader(block: Buffer, guard: ArchiveGuard): Header {
  const sum = Number.parseInt(text(block, 148, 8).trim(), 8);
  const actual = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== actual) damaged(guard, 'a header does not match its checksum');
  const size = text(block, 124, 12).trim();
  // The other form, base 256, is for files over 8 GiB.
  if (!/^[0-7]{1,11}$/.test(size)) damaged(guard, 'a size is no octal number');
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: text(block, 156, 1),
    sizeBytes: Number.parseInt(size, 8),
  };
}

/** Pax records (`x`; `g` for all that follow) and GNU's long names (`L`; `K` belongs to a link). */
async function readExtension(header: Header, queue: ByteQueue, guard: ArchiveGuard): Promise<Extension> {
  if (header.sizeBytes > MAX_EXTENSION_BYTES) damaged(guard, 'an extended header is too long');
  const pieces: Buffer[] = [];
  for await (const piece of contentOf(queue, header.sizeBytes, header.name, guard)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  if (header.type === 'L') return { name: text(bytes, 0, bytes.length) };
  if (header.type === 'K') return {};
  const records = readPax(bytes, guard);
  if (header.type === 'g' && ['path', 'size'].some((key) => records.has(key)))
    guard.refuse('its archive gives all files one name or size');
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse')))
    guard.refuse('its archive holds a sparse file');
  const [name, size] = [records.get('path'), records.get('size')];
  if (size !== undefined && !/^\d{1,15}$/.test(size)) damaged(guard, 'a size is no number');
  return {
    ...(name === undefined ? {} : { name }),
    ...(size === undefined ? {} : { sizeBytes: Number(size) }),
  };
}

/** Each record is `<its own length in bytes> <key>=<value>\n`. */
function readPax(bytes: Buffer, guard: ArchiveGuard): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const length = Number(/^(\d{1,6}) /.exec(bytes.toString('latin1', at, at + 8))?.[1] ?? 0);
    const record = bytes.toString('utf8', at, at + length);
    const match = /^\d+ ([^=]+)=(.*)\n$/s.exec(record);
    if (match === null || at + length > bytes.length)
      return damaged(guard, 'an extended header is no pax header');
    const [, key = '', value = ''] = match;
    if (records.has(key)) return damaged(guard, 'an extended header says one thing twice');
    records.set(key, value);
    at += length;
  }
  return records;
}

/** A field ends at its first NUL. */
function text(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}
