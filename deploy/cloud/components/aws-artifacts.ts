import { S3, type CompletedPart, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { EdgeError } from '../../../src/core/mod.js';
import { MEBIBYTE } from '../../../src/core/mod.js';
import { readBytes } from '../../files/mod.js';
import { clientConfig, fromAws, type AwsOptions } from '../aws/mod.js';
import type { ArtifactFile, ArtifactStore } from './artifacts.js';
import { partsChecksum, partsOf } from './parts.js';

/** Larger files are sent in parts of this many bytes, one after the other: what fails is sent again, part by part. */
const PART_BYTES = 64 * MEBIBYTE;

/** Artifacts in S3: each put is conditional, carries its SHA-256, and is sent as one buffer, or in several. */
export class AwsArtifacts implements ArtifactStore {
  readonly #s3: S3;

  readonly #partBytes: number;

  constructor(options: AwsOptions = {}, partBytes = PART_BYTES) {
    this.#partBytes = partBytes;
    // A store named by an endpoint seldom answers for bucket names as host names.
    const isNamed = options.endpoint !== undefined || 'AWS_ENDPOINT_URL_S3' in process.env;
    this.#s3 = new S3({ ...clientConfig(options, 'S3'), forcePathStyle: isNamed, maxAttempts: 5 });
  }

  close(): void {
    this.#s3.destroy();
  }

  async checkBucket(bucket: string): Promise<void> {
    try {
      await this.#s3.headBucket({ Bucket: bucket });
    } catch (error) {
      if (nameOf(error) !== 'NotFound' && nameOf(error) !== 'NoSuchBucket') {
        throw fromAws(`Cannot reach the bucket ${bucket}`, error);
      }
      throw new EdgeError('BUCKET_NOT_FOUND', `Cannot publish as there is no bucket ${bucket}`, {
        nextStep: 'Create it, and let the token exchange role of the devices read it',
        cause: error,
      });
    }
  }

  async put(bucket: string, key: string, file: ArtifactFile): Promise<boolean> {
    const at = { Bucket: bucket, Key: key };
    const isLarge = file.sizeBytes > this.#partBytes;
    const sha256 = isLarge
      ? await partsChecksum(file, this.#partBytes)
      : Buffer.from(file.sha256, 'hex').toString('base64');
    try {
      if (isLarge) return await this.#putLarge(at, file, sha256);
      const Body = await readBytes(file.path);
      await this.#s3.putObject({ ...at, Body, ChecksumSHA256: sha256, IfNoneMatch: '*' });
      return true;
    } catch (error) {
      if (nameOf(error) !== 'PreconditionFailed') throw fromAws(`Cannot upload ${key}`, error);
    }
    const there = await this.#s3.headObject({ ...at, ChecksumMode: 'ENABLED' }).catch((error: unknown) => {
      throw fromAws(`Cannot read ${key}`, error);
    });
    if (isEqual(there, file, sha256)) return false;
    throw new EdgeError(
      'OBJECT_TAKEN',
      `Cannot upload ${key} as the bucket ${bucket} holds another object of that name`,
      { nextStep: 'Somebody else wrote it: look at it, and remove it if nothing refers to it' },
    );
  }

  /** @returns false where an equal object was there already: that is asked before, as the answer saves gigabytes */
  async #putLarge(at: ObjectPlace, file: ArtifactFile, sha256: string): Promise<boolean> {
    const there = await this.#s3.headObject({ ...at, ChecksumMode: 'ENABLED' }).catch(() => undefined);
    if (there !== undefined && isEqual(there, file, sha256)) return false;
    const { UploadId } = await this.#s3.createMultipartUpload({ ...at, ChecksumAlgorithm: 'SHA256' });
    try {
      const Parts: CompletedPart[] = [];
      for await (const { number, bytes, checksum } of partsOf(file, this.#partBytes)) {
        const part = { PartNumber: number, ChecksumSHA256: checksum };
        const { ETag } = await this.#s3.uploadPart({ ...at, ...part, UploadId, Body: bytes });
        Parts.push({ ...part, ETag });
      }
      const MultipartUpload = { Parts };
      await this.#s3.completeMultipartUpload({ ...at, UploadId, MultipartUpload, IfNoneMatch: '*' });
      return true;
    } catch (error) {
      // What stays of it costs its owner room; without the right to end it, the bucket's own rule has to.
      await this.#s3.abortMultipartUpload({ ...at, UploadId }).catch(() => undefined);
      throw error;
    }
  }

  async get(bucket: string, key: string, maxBytes: number): Promise<Uint8Array> {
    try {
      const found = await this.#s3.getObject({ Bucket: bucket, Key: key });
      if ((found.ContentLength ?? 0) > maxBytes) {
        throw new EdgeError(
          'OBJECT_TOO_LARGE',
          `Cannot read s3://${bucket}/${key} as it has ${found.ContentLength} bytes: at most ${maxBytes} are allowed`,
        );
      }
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      throw fromAws(`Cannot read s3://${bucket}/${key}`, error);
    }
  }
}

interface ObjectPlace {
  readonly Bucket: string;
  readonly Key: string;
}

function isEqual(there: HeadObjectCommandOutput, { sizeBytes }: ArtifactFile, sha256: string): boolean {
  return there.ContentLength === sizeBytes && there.ChecksumSHA256 === sha256;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : '';
}
