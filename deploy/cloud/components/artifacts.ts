/** A file that nobody changes meanwhile. */
export interface ArtifactFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Where artifacts lie. Objects are written once and never changed. */
export interface ArtifactStore {
  /** @throws EdgeError NOT_FOUND where there is no such bucket */
  checkBucket(bucket: string): Promise<void>;
  /**
   * Puts a file, a large one in parts.
   * @returns false where an equal object was there already
   * @throws EdgeError ALREADY_EXISTS where a different one is
   */
  put(bucket: string, key: string, file: ArtifactFile): Promise<boolean>;
  /** At most `maxBytes`. */
  get(bucket: string, key: string, maxBytes: number): Promise<Uint8Array>;
}
