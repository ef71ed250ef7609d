import { checkedJson, messageOf, SerialQueue, validate, type Clock } from '../../../core/mod.js';
import { basename, dirname, join } from '../../../disk/mod.js';
import { sha256Hex } from '../../../system/mod.js';
import { isBucketName } from './bucket-names.js';
import {
  madeAtMs,
  makeFolder,
  moveInto,
  namesIn,
  OpenFile,
  readText,
  removeEmptyFolders,
  removeFile,
  removeFolder,
  replaceFile,
} from './disk-files.js';
import { s3Errors } from './errors.js';
import { namesTag } from './entity-tags.js';
import { compareKeys } from './key-order.js';
import { checkWrite, isConditional, type WriteConditions } from './write-conditions.js';
import { StoredObjectSchema, type NewObject, type StoredObject } from './stored-object.js';

interface Bucket {
  readonly createdMs: number;
  readonly objects: Map<string, StoredObject>;
  /** Keys whose write is being committed: a second one meanwhile is a conflict. */
  readonly committing: Set<string>;
  /** What changes objects takes turns, and so does opening one: metadata and bytes are of one moment. */
  readonly turns: SerialQueue;
  /** All objects in S3's order, until one changes. */
  sorted: readonly StoredObject[] | undefined;
}

const METADATA = '.metadata';
const INCOMING = '.incoming';
const CREATED = 'created';
const OBJECT_FILE = /^([0-9a-f]{64})\.json$/;
const PENDING_FILE = /^([0-9a-f]{64})\.(\d+)\.pending$/;

/**
 * Buckets in a folder: `<folder>/<bucket>/<key>` where the file system can hold the key so, else under its
 * hash; what else belongs to an object stands in `<folder>/.metadata/<bucket>/<hash of the key>.json`.
 * A person can read the data with any tool, and a server started again on the folder finds all of it.
 *
 * Bytes and metadata are two files. Before the bytes are moved into place their metadata lie beside the former
 * as `<hash>.<n>.pending`: where the process ends between the two moves, the next start finds whether the bytes
 * `.incoming/<n>` have gone, and ends or forgets the change.
 */
export class FolderStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  #temporary = 0;

  private constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  static async open(folder: string, clock: Clock): Promise<FolderStore> {
    const store = new FolderStore(folder, clock);
    await makeFolder(join(folder, METADATA));
    for (const bucket of await namesIn(join(folder, METADATA))) await store.#load(bucket);
    await removeFolder(join(folder, INCOMING));
    await makeFolder(join(folder, INCOMING));
    return store;
  }

  async #load(name: string): Promise<void> {
    const folder = join(this.#folder, METADATA, name);
    await this.#endPending(folder);
    const bucket = newBucket(await this.#createdMs(folder));
    for (const file of await namesIn(folder)) {
      if (!OBJECT_FILE.test(file)) continue;
      const object = readMetadata(await readText(join(folder, file)), join(folder, file));
      bucket.objects.set(object.key, object);
    }
    this.#buckets.set(name, bucket);
  }

  async #endPending(folder: string): Promise<void> {
    const incoming = new Set(await namesIn(join(this.#folder, INCOMING)).catch(() => []));
    for (const name of await namesIn(folder)) {
      const [, hash = '', number = ''] = PENDING_FILE.exec(name) ?? [];
      if (hash === '') continue;
      if (incoming.has(number)) await removeFile(join(folder, name));
      else await moveInto(join(folder, name), join(folder, `${hash}.json`));
    }
  }

  /** Former versions kept no date; their folder has one. */
  async #createdMs(folder: string): Promise<number> {
    const kept = Date.parse(await readText(join(folder, CREATED)).catch(() => ''));
    return Number.isNaN(kept) ? ((await madeAtMs(folder)) ?? this.#clock.wallMs()) : kept;
  }

  hasBucket(name: string): boolean {
    return this.#buckets.has(name);
  }

  /** Sorted by name. */
  buckets(): { readonly name: string; readonly createdMs: number }[] {
    return [...this.#buckets]
      .map(([name, { createdMs }]) => ({ name, createdMs }))
      .sort((a, b) => compareKeys(a.name, b.name));
  }

  async createBucket(name: string): Promise<void> {
    if (!isBucketName(name)) throw s3Errors.invalidBucketName(name);
    if (this.#buckets.has(name)) throw s3Errors.bucketAlreadyOwned(name);
    const bucket = newBucket(this.#clock.wallMs());
    this.#buckets.set(name, bucket);
    const folder = join(this.#folder, METADATA, name);
    await makeFolder(folder);
    await makeFolder(join(this.#folder, name));
    await replaceFile(join(folder, CREATED), this.incoming(), new Date(bucket.createdMs).toISOString());
  }

  /** Files that a person has put into the bucket's folder stay. */
  async deleteBucket(name: string): Promise<void> {
    const bucket = this.#bucket(name);
    await bucket.turns.run(async () => {
      if (bucket.objects.size > 0) throw s3Errors.bucketNotEmpty(name);
      this.#buckets.delete(name);
      await removeFolder(join(this.#folder, METADATA, name));
      await removeEmptyFolders(join(this.#folder, name), join(this.#folder, name));
    });
  }

  /** A new path for a body that is still being received. */
  incoming(): string {
    return join(this.#folder, INCOMING, String(this.#temporary++));
  }

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#bucket(bucket).objects.get(key);
  }

  /** An object with its bytes, to be closed; undefined where there is none. */
  async openObject(
    bucketName: string,
    key: string,
  ): Promise<{ readonly object: StoredObject; readonly file: OpenFile } | undefined> {
    const bucket = this.#bucket(bucketName);
    return await bucket.turns.run(async () => {
      const object = bucket.objects.get(key);
      if (object === undefined) return undefined;
      return { object, file: await OpenFile.open(this.path(bucketName, object)) };
    });
  }

  /** The absolute path of an object's bytes. */
  path(bucket: string, object: StoredObject): string {
    return join(this.#folder, bucket, object.file);
  }

  /** All objects, sorted by key in UTF-8 byte order as S3 lists them. */
  list(bucketName: string): readonly StoredObject[] {
    const bucket = this.#bucket(bucketName);
    bucket.sorted ??= [...bucket.objects.values()].sort((a, b) => compareKeys(a.key, b.key));
    return bucket.sorted;
  }

  /** Moves a received file into place, if the conditions still hold. */
  async commit(
    bucketName: string,
    object: NewObject,
    received: string,
    conditions: WriteConditions,
  ): Promise<void> {
    const bucket = this.#bucket(bucketName);
    const { key } = object;
    checkWrite(bucket.objects.get(key), conditions, key);
    if (isConditional(conditions) && bucket.committing.has(key)) throw s3Errors.conditionalConflict();
    bucket.committing.add(key);
    try {
      await bucket.turns.run(async () => {
        // It may have been deleted, and another put have ended, before this one's turn.
        if (this.#buckets.get(bucketName) !== bucket) throw s3Errors.noSuchBucket(bucketName);
        const former = bucket.objects.get(key);
        checkWrite(former, conditions, key);
        await this.#replace(bucketName, bucket, object, received, former);
      });
    } finally {
      bucket.committing.delete(key);
    }
  }

  /** Changes what is kept beside the bytes. Throws NoSuchKey. */
  async update(bucketName: string, key: string, change: Pick<StoredObject, 'tags'>): Promise<void> {
    const bucket = this.#bucket(bucketName);
    await bucket.turns.run(async () => {
      const former = bucket.objects.get(key);
      if (former === undefined) throw s3Errors.noSuchKey(key);
      const object = { ...former, ...change };
      await replaceFile(this.#metadataFile(bucketName, key), this.incoming(), textOf(object));
      keep(bucket, object);
    });
  }

  /** Deletes an object, if there is one. Throws PreconditionFailed. */
  async delete(bucketName: string, key: string, ifMatch?: string): Promise<void> {
    const bucket = this.#bucket(bucketName);
    await bucket.turns.run(async () => {
      const object = bucket.objects.get(key);
      if (ifMatch !== undefined && (object === undefined || !namesTag(ifMatch, object.etag)))
        throw s3Errors.preconditionFailed('If-Match');
      if (object === undefined) return;
      bucket.objects.delete(key);
      bucket.sorted = undefined;
      await removeFile(this.#metadataFile(bucketName, key));
      await this.#removeBytes(bucketName, object);
    });
  }

  async #replace(
    bucketName: string,
    bucket: Bucket,
    object: NewObject,
    received: string,
    former: StoredObject | undefined,
  ): Promise<void> {
    const metadata = this.#metadataFile(bucketName, object.key);
    const pending = metadata.replace(/json$/, `${basename(received)}.pending`);
    const hashed = join('.keys', sha256Hex(object.key));
    for (const file of isPlain(object.key) ? [object.key, hashed] : [hashed]) {
      const stored: StoredObject = { ...object, file };
      await replaceFile(pending, this.incoming(), textOf(stored));
      if (!(await moveInto(received, this.path(bucketName, stored)))) continue;
      await moveInto(pending, metadata);
      keep(bucket, stored);
      if (former !== undefined && former.file !== file) await this.#removeBytes(bucketName, former);
      return;
    }
    await removeFile(pending);
    throw s3Errors.invalidArgument('The key cannot be kept in this folder');
  }

  async #removeBytes(bucket: string, object: StoredObject): Promise<void> {
    const file = this.path(bucket, object);
    await removeFile(file);
    const top = join(this.#folder, bucket);
    if (dirname(file) !== top)
      await removeEmptyFolders(dirname(file), join(top, object.file.split('/')[0] ?? ''));
  }

  #metadataFile(bucket: string, key: string): string {
    return join(this.#folder, METADATA, bucket, `${sha256Hex(key)}.json`);
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw s3Errors.noSuchBucket(name);
    return bucket;
  }
}

function newBucket(createdMs: number): Bucket {
  return {
    createdMs,
    objects: new Map(),
    committing: new Set(),
    turns: new SerialQueue(),
    sorted: undefined,
  };
}

function keep(bucket: Bucket, object: StoredObject): void {
  bucket.objects.set(object.key, object);
  bucket.sorted = undefined;
}

function textOf(object: StoredObject): string {
  return `${checkedJson(StoredObjectSchema, object, 'Cannot write the metadata of an object')}\n`;
}

function readMetadata(text: string, file: string): StoredObject {
  try {
    return validate(StoredObjectSchema, JSON.parse(text), `Cannot read ${file}`);
  } catch (error) {
    throw new Error(
      `Cannot open the store as ${file} is damaged: ${messageOf(error)}. Delete the file and its object, or the folder`,
      { cause: error },
    );
  }
}

/** Whether the key can be a relative path below the bucket's folder as it is. */
function isPlain(key: string): boolean {
  return key
    .split('/')
    .every(
      (part) => /^[\w .,=+@:()-]{1,200}$/.test(part) && part !== '.' && part !== '..' && part !== '.keys',
    );
}
