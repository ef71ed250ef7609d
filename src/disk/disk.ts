/**
 * The disk as a port, for code whose promise is made of single writes and syncs. The real one is
 * {@link nodeDisk}, the twin that can lose unsynced data, fill up and fail is `MemoryDisk`.
 * Errors: EdgeError NOT_FOUND (no such file), ALREADY_EXISTS, RESOURCE_EXHAUSTED (no space, disk quota),
 * PERMISSION_DENIED, UNAVAILABLE (all else: the disk is sick).
 */
export interface Disk {
  /** Makes the folder and its parents, 0700. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, unsorted; none where the folder is not there. */
  list(path: string): Promise<string[]>;
  stat(path: string): Promise<FileStat | undefined>;
  /** A new empty file, 0600, for appending. */
  create(path: string): Promise<DiskFile>;
  /** The bytes of a regular file; `fromBytes` counts from the end where negative. */
  read(path: string, fromBytes?: number): Promise<Uint8Array>;
  /** Replaces what stands at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** No error where there is no such file. */
  remove(path: string): Promise<void>;
  /** Makes names made, renamed or removed in a folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
}

export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** A file that grows. After a failed write its tail is unknown until `truncate`; after a failed sync it is not to be trusted. */
export interface DiskFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was written would survive a power cut (the name needs the folder's sync). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}
