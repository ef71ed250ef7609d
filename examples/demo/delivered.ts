import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { parseRecords } from '../../src/capture/mod.js';

/** What arrived in S3. */
export interface Delivered {
  readonly objects: number;
  readonly records: number;
  /** Records by capture id: more than one is a duplicate. */
  readonly byCaptureId: ReadonlyMap<string, number>;
}

/** Reads back every object below the prefix, and every record in it. */
export async function readDelivered(s3: S3Client, bucket: string, prefix: string): Promise<Delivered> {
  const byCaptureId = new Map<string, number>();
  let objects = 0;
  let records = 0;
  for await (const key of keys(s3, bucket, prefix)) {
    objects++;
    if (!key.endsWith('.jsonl')) continue;
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    for (const record of parseRecords(bytes)) {
      records++;
      byCaptureId.set(record.captureId, (byCaptureId.get(record.captureId) ?? 0) + 1);
    }
  }
  return { objects, records, byCaptureId };
}

async function* keys(s3: S3Client, bucket: string, prefix: string): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const entry of page.Contents ?? []) if (entry.Key !== undefined) yield entry.Key;
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
