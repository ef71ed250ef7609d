import { EdgeError } from './errors.js';

/** What an archive may unpack to. */
export interface ArchiveLimits {
  /** Files and folders. */
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  /** Unpacked bytes for each byte of the archive. */
  readonly maxRatio: number;
  /** Folders above a file, and the file. */
  readonly maxDepth: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  maxEntries: 10_000,
  maxTotalBytes: 4 * 2 ** 30,
  maxRatio: 200,
  maxDepth: 16,
};

/** So little does no harm, whatever its ratio. */
const HARMLESS_BYTES = 2 ** 20;
const MAX_NAME_BYTES = 1024;

export interface ArchiveEntry {
  /** As the archive has it. */
  readonly name: string;
  /** `other`: links, devices, pipes and what is unknown. */
  readonly kind: 'file' | 'folder' | 'other';
  readonly sizeBytes: number;
}

/**
 * Judges an archive while it is read: each entry before anything of it is written, each piece of content before it
 * goes on. All that it passes can be unpacked below one folder, on any file system, within the limits.
 */
export class ArchiveGuard {
  readonly #action: string;
  readonly #limits: ArchiveLimits;
  readonly #maxBytes: number;
  /** By the path as a file system without cases sees it. */
  readonly #seen = new Map<string, { readonly isFile: boolean; readonly path: string }>();
  #entries = 0;
  #declaredBytes = 0;
  #unpackedBytes = 0;

  /**
   * @param action opens each sentence, such as `Cannot unarchive code.zip`
   * @param archiveBytes the archive's own size
   */
  constructor(action: string, archiveBytes: number, limits: ArchiveLimits = ARCHIVE_LIMITS) {
    this.#action = action;
    this.#limits = limits;
    const byRatio = Math.max(HARMLESS_BYTES, archiveBytes * limits.maxRatio);
    this.#maxBytes = Math.min(limits.maxTotalBytes, byRatio);
  }

  /** @returns the entry's path below the folder, `/` between its parts; empty for the folder itself. Throws EdgeError. */
  enter(entry: ArchiveEntry): string {
    this.#count(++this.#entries);
    if (entry.kind === 'other') this.refuse(`${quoted(entry.name)} is neither a file nor a folder`);
    const parts = this.#partsOf(entry);
    this.#claim(entry, parts);
    if (!Number.isSafeInteger(entry.sizeBytes) || entry.sizeBytes < 0)
      this.refuse(`the size of ${quoted(entry.name)} is no size`);
    this.#declaredBytes += entry.sizeBytes;
    this.#cap(this.#declaredBytes);
    return parts.join('/');
  }

  /** Before the entries are read, where an archive says how many there are. */
  expect(entries: number): void {
    this.#count(entries);
  }

  /** Counts bytes that came out, whatever was declared. */
  unpacked(bytes: number): void {
    this.#unpackedBytes += bytes;
    this.#cap(this.#unpackedBytes);
  }

  refuse(reason: string, cause?: unknown): never {
    throw new EdgeError('ARCHIVE_REFUSED', `${this.#action} as ${reason}`, { cause });
  }

  #count(entries: number): void {
    const { maxEntries } = this.#limits;
    if (entries > maxEntries) this.refuse(`it may hold at most ${maxEntries} files and folders`);
  }

  #cap(bytes: number): void {
    if (bytes > this.#maxBytes) this.refuse(`it would unpack to more than ${this.#maxBytes} bytes`);
  }

  #partsOf({ name, kind }: ArchiveEntry): string[] {
    if (/[\\\p{Cc}]/u.test(name) || name.startsWith('/') || /^[A-Za-z]:/.test(name))
      this.refuse(`${quoted(name)} is no safe path`);
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      this.refuse(`a path has more than ${MAX_NAME_BYTES} bytes: ${quoted(name)}`);
    const parts = name.split('/').filter((part, index, all) => {
      const isEnd = index === all.length - 1 && kind === 'folder';
      return !(part === '.' && (index === 0 || isEnd)) && !(part === '' && isEnd);
    });
    // Some file systems drop what ends a name, so that '.. ' leads up there.
    if (parts.some((part) => /^[. ]*$/.test(part))) this.refuse(`${quoted(name)} is no safe path`);
    if (parts.length === 0 && kind === 'file') this.refuse(`a file has no name`);
    if (parts.length > this.#limits.maxDepth)
      this.refuse(`${quoted(name)} lies deeper than ${this.#limits.maxDepth} levels`);
    return parts;
  }

  /** No path twice, by any spelling, and no file as a folder of another. */
  #claim({ name, kind }: ArchiveEntry, parts: readonly string[]): void {
    const folded = parts.map(foldedName);
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      const isFile = kind === 'file' && depth === parts.length;
      const key = folded.slice(0, depth).join('/');
      const known = this.#seen.get(key);
      if (known !== undefined && (known.isFile || isFile || known.path !== path))
        this.refuse(`${quoted(name)} clashes with ${quoted(known.path)}`);
      this.#seen.set(key, { isFile, path });
    }
  }
}

/** The part as the least exact file system sees it: without cases, spellings, what nobody sees, and what ends a name. */
function foldedName(part: string): string {
  const seen = part.replaceAll(/\p{Cf}/gu, '').normalize('NFKC');
  return seen
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[. ]+$/, '');
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}
