import type { ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';

export interface UploadedPart {
  readonly file: string;
  readonly sizeBytes: number;
  readonly md5Hex: string;
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface MultipartUpload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, UploadedPart>;
}

/** The multipart uploads under way; a server started again has forgotten them. */
export class Uploads {
  readonly #byId = new Map<string, MultipartUpload>();
  #made = 0;

  begin(bucket: string, key: string, headers: Readonly<Record<string, string>>): MultipartUpload {
    const upload = { id: `upload-${++this.#made}`, bucket, key, headers, parts: new Map() };
    this.#byId.set(upload.id, upload);
    return upload;
  }

  /** Throws NoSuchUpload where the id belongs to no upload, or to one of another key. */
  find(id: string | null, bucket: string, key: string): MultipartUpload {
    const found = this.#byId.get(id ?? '');
    if (found === undefined || found.bucket !== bucket || found.key !== key) throw s3Errors.noSuchUpload();
    return found;
  }

  end(upload: MultipartUpload): void {
    this.#byId.delete(upload.id);
  }
}
