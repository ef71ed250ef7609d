import { receiveBody, type ReceivedBody } from './body.js';
import type { OperationContext, S3Answer, S3Call } from './call.js';
import { isChecksumAlgorithm, startChecksum, type ChecksumAlgorithm, type Checksums } from './checksums.js';
import { readBytes, removeFile, replaceFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { flipMiddleBit, type Fault } from './faults.js';
import { encryptionOf, etagOf, objectHeaders, tagsOf } from './object-headers.js';
import { writeConditionsOf } from './write-conditions.js';

export async function putObject(call: S3Call, { store, clock }: OperationContext): Promise<S3Answer> {
  const { bucket, key, fault } = call;
  const conditions = writeConditionsOf(call.headers);
  const headers = objectHeaders(call.headers);
  const tags = tagsOf(call.headers);
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  const received = store.incoming();
  try {
    const sent = await receiveBody(call, received, clock);
    const body =
      fault?.kind === 'flip-byte' && fault.where === 'store'
        ? await damage(received, store.incoming(), sent)
        : sent;
    const { sizeBytes, checksums } = body;
    const etag = etagOf(body.md5Hex, headers);
    const object = { key, sizeBytes, etag, lastModifiedMs: clock.wallMs(), headers, checksums, ...tags };
    await store.commit(bucket, object, received, conditions);
    return { status: 200, headers: putHeaders(etag, checksums, headers, fault) };
  } finally {
    await removeFile(received);
  }
}

/** Changes a bit of what was received; the sums are those of the damaged bytes, as a store would tell them. */
async function damage(file: string, temporary: string, sent: ReceivedBody): Promise<ReceivedBody> {
  const bytes = flipMiddleBit(await readBytes(file));
  await replaceFile(file, temporary, bytes);
  const sumOf = (name: ChecksumAlgorithm | 'md5'): string => {
    const sum = startChecksum(name);
    sum.update(bytes);
    return sum.digest();
  };
  const names = Object.keys(sent.checksums).filter(isChecksumAlgorithm);
  return {
    ...sent,
    md5Hex: Buffer.from(sumOf('md5'), 'base64').toString('hex'),
    checksums: Object.fromEntries(names.map((name) => [name, sumOf(name)])),
  };
}

function putHeaders(
  etag: string,
  checksums: Checksums,
  stored: Readonly<Record<string, string>>,
  fault: Fault | undefined,
): Record<string, string> {
  const wrong = fault?.kind === 'wrong-checksum';
  const headers = { etag: `"${wrong ? '0'.repeat(32) : etag}"`, ...encryptionOf(stored) };
  const sums = Object.entries(checksums).map(([name, value]): [string, string] => {
    const bytes = Buffer.from(value, 'base64');
    return [`x-amz-checksum-${name}`, (wrong ? flipMiddleBit(bytes) : bytes).toString('base64')];
  });
  return { ...headers, ...Object.fromEntries(sums), 'x-amz-checksum-type': 'FULL_OBJECT' };
}
