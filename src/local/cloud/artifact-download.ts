import { GetBucketLocationCommand, GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { EdgeError, messageOf } from '../../core/mod.js';
import { nodeDisk } from '../../disk/mod.js';
import { quietSdk } from '../../net/mod.js';
import type { DeviceCredentials, Profile } from '../nucleus/mod.js';
import { parseS3Uri } from './aws/s3-uri.js';

export interface ArtifactSource {
  readonly endpoint: string;
  readonly region: string;
  readonly profile: Profile;
  readonly credentials: () => Promise<DeviceCredentials>;
}

/**
 * Downloads an artifact as a core device does: with the keys of its role, and on the nucleus (Java) the bucket's
 * location is asked before the object's size and the object itself. Lite asks for the object alone.
 * @throws EdgeError AWS_DENIED, AWS_NOT_FOUND or AWS_UNREACHABLE, with the error code that a deployment would name
 */
export async function downloadArtifact(
  { endpoint, region, profile, credentials }: ArtifactSource,
  uri: string,
  destination: string,
): Promise<void> {
  quietSdk();
  const { bucket, key } = parseS3Uri(uri);
  const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: await credentials() });
  try {
    const object = { Bucket: bucket, Key: key };
    if (profile === 'nucleus') {
      await asked('S3_GET_BUCKET_LOCATION', uri, () =>
        s3.send(new GetBucketLocationCommand({ Bucket: bucket })),
      );
      await asked('S3_HEAD_OBJECT', uri, () => s3.send(new HeadObjectCommand(object)));
    }
    const { Body } = await asked('S3_GET_OBJECT', uri, () => s3.send(new GetObjectCommand(object)));
    const file = await nodeDisk.create(destination);
    try {
      for await (const piece of Body as AsyncIterable<Uint8Array>) await file.append(piece);
    } finally {
      await file.close();
    }
  } finally {
    s3.destroy();
  }
}

/** @param step as the nucleus's error codes begin */
async function asked<T>(step: string, uri: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { httpStatusCode: status } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
    const told = (reason: 'AWS_DENIED' | 'AWS_NOT_FOUND' | 'AWS_UNREACHABLE', code: string): EdgeError =>
      new EdgeError(reason, `Cannot download the artifact ${uri}: ${code} (${messageOf(error)})`, {
        cause: error,
      });
    if (status === 403) throw told('AWS_DENIED', `${step}_ACCESS_DENIED`);
    if (status === 404) throw told('AWS_NOT_FOUND', `${step}_RESOURCE_NOT_FOUND`);
    throw told('AWS_UNREACHABLE', 'S3_ERROR');
  }
}
