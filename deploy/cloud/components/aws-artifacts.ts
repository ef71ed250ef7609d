import { S3 } from '@aws-sdk/client-s3';
import { EdgeError } from '../../../src/core/mod.js';
import { sha256 as sha256Of } from '../../../src/system/mod.js';
import { clientConfig, fromAws, type AwsOptions } from '../aws/mod.js';
import type { ArtifactStore } from './artifacts.js';

/** Artifacts in S3: each put is conditional, carries its SHA-256, and is sent as one buffer. */
export class AwsArtifacts implements ArtifactStore {
  readonly #s3: S3;

  constructor(options: AwsOptions = {}) {
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

  async put(bucket: string, key: string, bytes: Uint8Array): Promise<boolean> {
    const sha256 = Buffer.from(sha256Of(bytes)).toString('base64');
    const at = { Bucket: bucket, Key: key };
    try {
      await this.#s3.putObject({ ...at, Body: bytes, ChecksumSHA256: sha256, IfNoneMatch: '*' });
      return true;
    } catch (error) {
      if (nameOf(error) !== 'PreconditionFailed') throw fromAws(`Cannot upload ${key}`, error);
    }
    const there = await this.#s3.headObject({ ...at, ChecksumMode: 'ENABLED' }).catch((error: unknown) => {
      throw fromAws(`Cannot read ${key}`, error);
    });
    if (there.ContentLength === bytes.length && there.ChecksumSHA256 === sha256) return false;
    throw new EdgeError(
      'OBJECT_TAKEN',
      `Cannot upload ${key} as the bucket ${bucket} holds another object of that name`,
      { nextStep: 'Somebody else wrote it: look at it, and remove it if nothing refers to it' },
    );
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

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : '';
}
