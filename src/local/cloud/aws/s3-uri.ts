import { EdgeError } from '../../../core/mod.js';

/** @throws EdgeError RECIPE_INVALID */
export function parseS3Uri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (match === null)
    throw new EdgeError(
      'RECIPE_INVALID',
      `Cannot read the artifact as its URI must be s3://bucket/key: current value is ${uri}`,
    );
  return { bucket: match[1] ?? '', key: match[2] ?? '' };
}
