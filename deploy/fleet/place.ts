import { partitionOf } from '../../src/core/mod.js';

/** Where a fleet lives, read off its thing group's ARN. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export function placeOf(arn: string): Place {
  const [, partition = 'aws', , region = '', account = ''] = arn.split(':');
  return { partition, region, account };
}

/** A bucket's ARN, or the objects' of an access point. */
export function s3Arn({ partition }: Place, bucket: string): string {
  return bucket.startsWith('arn:') ? `${bucket}/object` : `arn:${partition}:s3:::${bucket}`;
}

/** S3 as a key's conditions name it: China's has a domain of its own. */
export function s3Service(region: string): string {
  return `s3.${region}.${partitionOf(region).dnsSuffix}`;
}
