import { SerialQueues } from '../../../core/mod.js';
import { systemRandom } from '../../../system/mod.js';
import type { ChecksumAlgorithm, ChecksumType } from './checksums.js';
import { removeFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { compareKeys } from './key-order.js';
import type { SummedFile } from './summed-copy.js';
import type { Tags } from './tags.js';

export interface UploadedPart extends SummedFile {
  readonly file: string;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/** What is said of an object before its parts come. */
export interface UploadPlan {
  readonly bucket: string;
  readonly key: string;
  /** As GetObject is to give them back. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags?: Tags;
  readonly initiatedMs: number;
  /** The checksum that the whole is to have. */
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Whether the client asked for that algorithm: its parts must then have it. */
  readonly isChosen: boolean;
}

export interface MultipartUpload extends UploadPlan {
  /** In their order of beginning. */
  readonly id: string;
  readonly parts: Map<number, UploadedPart>;
}

/** The multipart uploads under way; a server started again has forgotten them. */
export class Uploads {
  readonly #byId = new Map<string, MultipartUpload>();
  readonly #turns = new SerialQueues();
  #made = 0;

  begin(plan: UploadPlan): MultipartUpload {
    const id = `${String(++this.#made).padStart(8, '0')}${systemRandom.hex(16)}`;
    const upload: MultipartUpload = { ...plan, id, parts: new Map() };
    this.#byId.set(id, upload);
    return upload;
  }

  /** Throws NoSuchUpload where the id belongs to no upload, or to one of another key. */
  find(id: string | null, bucket: string, key: string): MultipartUpload {
    const found = this.#byId.get(id ?? '');
    if (found === undefined || found.bucket !== bucket || found.key !== key)
      throw s3Errors.noSuchUpload(id ?? '');
    return found;
  }

  /** All of a bucket, by key and then by their beginning. */
  list(bucket: string): MultipartUpload[] {
    return [...this.#byId.values()]
      .filter((upload) => upload.bucket === bucket)
      .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.id, b.id));
  }

  /** Takes a part; one that is sent again replaces the former. Throws NoSuchUpload where the upload has ended meanwhile. */
  async add(upload: MultipartUpload, number: number, part: UploadedPart): Promise<void> {
    await this.alone(upload, async () => {
      const former = upload.parts.get(number);
      upload.parts.set(number, part);
      if (former !== undefined) await removeFile(former.file);
    });
  }

  /** Runs while no part is added to the upload and nobody else ends it. Throws NoSuchUpload. */
  async alone<T>(upload: MultipartUpload, task: () => Promise<T>): Promise<T> {
    return await this.#turns.run(upload.id, async () => {
      if (!this.#byId.has(upload.id)) throw s3Errors.noSuchUpload(upload.id);
      return await task();
    });
  }

  /** Forgets it and removes its parts. To be run {@link alone}. */
  async end(upload: MultipartUpload): Promise<void> {
    this.#byId.delete(upload.id);
    for (const { file } of upload.parts.values()) await removeFile(file);
  }

  /** With a bucket its uploads go. */
  async endAllOf(bucket: string): Promise<void> {
    for (const upload of this.list(bucket)) await this.alone(upload, () => this.end(upload));
  }
}
