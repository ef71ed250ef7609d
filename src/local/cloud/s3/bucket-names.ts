const SHAPE = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const RESERVED = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

/** Whether S3 makes a bucket of this name. */
export function isBucketName(name: string): boolean {
  return SHAPE.test(name) && !name.includes('..') && !ADDRESS.test(name) && !RESERVED.test(name);
}
