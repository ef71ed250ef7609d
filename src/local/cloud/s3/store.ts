import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';

/** An object as it is kept: `file` relative to the bucket's folder, `headers` as GetObject gives them back. */
export interface StoredObject {
  readonly key: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

interface Bucket {
  readonly objects: Map<string, StoredObject>;
  /** Keys whose write is being committed: a second one meanwhile is a conflict. */
  readonly committing: Set<string>;
}

export interface Preconditions {
  readonly ifNoneMatch?: string | undefined;
  readonly ifMatch?: string | undefined;
}

const METADATA = '.metadata';
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * Buckets in a folder: `<folder>/<bucket>/<key>` where the file system can hold the key so, else under its
 * hash; what else belongs to an object stands in `<folder>/.metadata/<bucket>/<hash of the key>.json`.
 * A person can read the data with any tool, and a server started again on the folder finds all of it.
 */
export class FolderStore {
  readonly #folder: string;
  readonly #buckets = new Map<string, Bucket>();
  #temporary = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<FolderStore> {
    const store = new FolderStore(folder);
    await mkdir(join(folder, METADATA), { recursive: true, mode: 0o700 });
    await rm(join(folder, '.incoming'), { recursive: true, force: true });
    await mkdir(join(folder, '.incoming'), { mode: 0o700 });
    for (const bucket of await readdir(join(folder, METADATA))) await store.#load(bucket);
    return store;
  }

  async #load(name: string): Promise<void> {
    const bucket: Bucket = { objects: new Map(), committing: new Set() };
    for (const file of await readdir(join(this.#folder, METADATA, name))) {
      if (!file.endsWith('.json')) continue;
      const text = await readFile(join(this.#folder, METADATA, name, file), 'utf8');
      const object = JSON.parse(text) as StoredObject;
      bucket.objects.set(object.key, object);
    }
    this.#buckets.set(name, bucket);
  }

  hasBucket(name: string): boolean {
    return this.#buckets.has(name);
  }

  bucketNames(): string[] {
    return [...this.#buckets.keys()].sort();
  }

  async createBucket(name: string): Promise<void> {
    if (!BUCKET_NAME.test(name)) throw s3Errors.invalidBucketName();
    if (this.#buckets.has(name)) throw s3Errors.bucketAlreadyOwned();
    this.#buckets.set(name, { objects: new Map(), committing: new Set() });
    await mkdir(join(this.#folder, METADATA, name), { recursive: true, mode: 0o700 });
    await mkdir(join(this.#folder, name), { recursive: true, mode: 0o700 });
  }

  /** A new path for a body that is still being received. */
  incoming(): string {
    return join(this.#folder, '.incoming', String(this.#temporary++));
  }

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#bucket(bucket).objects.get(key);
  }

  /** The absolute path of an object's bytes. */
  path(bucket: string, object: StoredObject): string {
    return join(this.#folder, bucket, object.file);
  }

  /** All objects, sorted by key in UTF-8 byte order as S3 lists them. */
  list(bucket: string): StoredObject[] {
    return [...this.#bucket(bucket).objects.values()].sort((a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
    );
  }

  /** Throws PreconditionFailed or ConditionalRequestConflict where a put of this key could not be stored now. */
  check(bucketName: string, key: string, conditions: Preconditions): void {
    const bucket = this.#bucket(bucketName);
    const existing = bucket.objects.get(key);
    if (conditions.ifNoneMatch === '*') {
      if (existing !== undefined) throw s3Errors.preconditionFailed();
      if (bucket.committing.has(key)) throw s3Errors.conditionalConflict();
    } else if (conditions.ifNoneMatch !== undefined) {
      throw s3Errors.notImplemented('If-None-Match with anything but *');
    }
    if (conditions.ifMatch === undefined) return;
    if (existing === undefined) throw s3Errors.noSuchKey();
    if (conditions.ifMatch.replaceAll('"', '') !== existing.etag) throw s3Errors.preconditionFailed();
  }

  /** Moves a received file into place, if the preconditions still hold. */
  async commit(
    bucketName: string,
    object: Omit<StoredObject, 'file'>,
    received: string,
    conditions: Preconditions,
  ): Promise<void> {
    this.check(bucketName, object.key, conditions);
    const bucket = this.#bucket(bucketName);
    bucket.committing.add(object.key);
    try {
      const file = await this.#place(bucketName, object.key, received);
      const stored: StoredObject = { ...object, file };
      await this.#writeMetadata(bucketName, stored);
      bucket.objects.set(object.key, stored);
    } finally {
      bucket.committing.delete(object.key);
    }
  }

  async delete(bucketName: string, key: string): Promise<void> {
    const object = this.get(bucketName, key);
    if (object === undefined) return;
    this.#bucket(bucketName).objects.delete(key);
    await rm(this.#metadataFile(bucketName, key), { force: true });
    await rm(this.path(bucketName, object), { force: true });
  }

  async #place(bucket: string, key: string, received: string): Promise<string> {
    const hashed = join('.keys', hashOf(key));
    const wanted = isPlain(key) ? key : hashed;
    for (const file of [wanted, hashed]) {
      const target = join(this.#folder, bucket, file);
      try {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await rename(received, target);
        return file;
      } catch (error) {
        // `a` and `a/b` are two keys, but cannot both be files.
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (!['ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG', 'ENOTEMPTY'].includes(code)) throw error;
      }
    }
    throw s3Errors.invalidArgument('The key cannot be kept in this folder');
  }

  async #writeMetadata(bucket: string, object: StoredObject): Promise<void> {
    const temporary = this.incoming();
    await writeFile(temporary, `${JSON.stringify(object)}\n`, { mode: 0o600 });
    await rename(temporary, this.#metadataFile(bucket, object.key));
  }

  #metadataFile(bucket: string, key: string): string {
    return join(this.#folder, METADATA, bucket, `${hashOf(key)}.json`);
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw s3Errors.noSuchBucket();
    return bucket;
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Whether the key can be a relative path below the bucket's folder as it is. */
function isPlain(key: string): boolean {
  return key
    .split('/')
    .every(
      (part) => /^[\w .,=+@:()-]{1,200}$/.test(part) && part !== '.' && part !== '..' && part !== '.keys',
    );
}
