import { basename, dirname } from './path.js';
import { EdgeError } from '../core/mod.js';
import type { Disk, DiskFile, FileStat } from './disk.js';

export type DiskOperation =
  'append' | 'sync' | 'truncate' | 'create' | 'read' | 'rename' | 'remove' | 'syncFolder' | 'list';

interface Inode {
  bytes: Uint8Array;
  synced: Uint8Array;
}

/**
 * A disk in memory that forgets what was not synced: `cutPower` leaves each file with the bytes of its last
 * sync, and each folder with the names of its last sync. That is the worst that a journaling file system
 * (ext4, xfs, btrfs, f2fs) may do.
 */
export class MemoryDisk implements Disk {
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  /** Bytes that fit on the disk. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Called before each operation; a thrown error is the operation's failure. */
  fault: ((operation: DiskOperation, path: string) => void) | undefined;
  /** Counts of operations by name. */
  readonly counts = new Map<DiskOperation, number>();

  /** The usual fault: an error as the real adapter gives it. */
  static error(kind: 'io' | 'space', operation: DiskOperation): EdgeError {
    return kind === 'space'
      ? new EdgeError('DISK_FULL', `Cannot ${operation}: no space left on device`)
      : new EdgeError('DISK_FAILED', `Cannot ${operation}: i/o error`);
  }

  cutPower(): void {
    this.#names.clear();
    for (const [path, inode] of this.#durableNames) {
      inode.bytes = inode.synced;
      this.#names.set(path, inode);
    }
  }

  usedBytes(): number {
    let total = 0;
    for (const inode of new Set(this.#names.values())) total += inode.bytes.byteLength;
    return total;
  }

  /** All files, as they are now. */
  files(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([path, inode]) => [path, inode.bytes]));
  }

  /** Puts a file there, durable, without counting: what somebody else wrote. */
  put(path: string, bytes: Uint8Array): void {
    const inode = { bytes: bytes.slice(), synced: bytes.slice() };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  async makeFolder(): Promise<void> {
    // Folders are the prefixes of names.
  }

  async list(path: string): Promise<string[]> {
    this.#before('list', path);
    return [...this.#names.keys()].filter((name) => dirname(name) === path).map((n) => basename(n));
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const inode = this.#names.get(path);
    return inode === undefined ? undefined : { sizeBytes: inode.bytes.byteLength, modifiedMs: 0 };
  }

  async create(path: string): Promise<DiskFile> {
    this.#before('create', path);
    if (this.#names.has(path)) throw new EdgeError('FILE_EXISTS', `Cannot create ${path}: it is there`);
    const inode: Inode = { bytes: new Uint8Array(0), synced: new Uint8Array(0) };
    this.#names.set(path, inode);
    return {
      append: async (bytes) => {
        this.#before('append', path);
        const room = Math.min(bytes.byteLength, this.capacityBytes - this.usedBytes());
        // A full disk takes what fits: the torn tail is the caller's to cut.
        inode.bytes = concat(inode.bytes, bytes.subarray(0, Math.max(0, room)));
        if (room < bytes.byteLength) throw MemoryDisk.error('space', 'append');
      },
      sync: async () => {
        this.#before('sync', path);
        inode.synced = inode.bytes;
      },
      truncate: async (sizeBytes) => {
        this.#before('truncate', path);
        inode.bytes = inode.bytes.slice(0, sizeBytes);
      },
      close: async () => undefined,
    };
  }

  async read(path: string, fromBytes = 0): Promise<Uint8Array> {
    this.#before('read', path);
    return this.#inode(path).bytes.slice(fromBytes);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#before('rename', from);
    const inode = this.#inode(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    this.#before('remove', path);
    this.#names.delete(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#before('syncFolder', path);
    for (const [name, inode] of this.#durableNames) {
      if (dirname(name) !== path || this.#names.get(name) === inode) continue;
      this.#durableNames.delete(name);
      // A rename is one transaction on a journaling file system: it is durable in both folders or in none.
      const moved = [...this.#names].find(([, other]) => other === inode);
      if (moved !== undefined) this.#durableNames.set(moved[0], inode);
    }
    for (const [name, inode] of this.#names) {
      if (dirname(name) !== path) continue;
      for (const [other, same] of this.#durableNames) {
        if (same === inode && other !== name) this.#durableNames.delete(other);
      }
      this.#durableNames.set(name, inode);
    }
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new EdgeError('FILE_NOT_FOUND', `Cannot read ${path}: no such file`);
    return inode;
  }

  #before(operation: DiskOperation, path: string): void {
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    this.fault?.(operation, path);
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.byteLength + second.byteLength);
  joined.set(first);
  joined.set(second, first.byteLength);
  return joined;
}
