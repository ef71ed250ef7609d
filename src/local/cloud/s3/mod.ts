export { flipMiddleBit, type Fault, type FaultRequest, type FaultScript } from './faults.js';
export { startLocalS3, type LocalS3, type LocalS3Options, type RequestRecord } from './server.js';
export { verifySignature, type S3Credentials, type SignedRequest, type VerifyOptions } from './sigv4.js';
export { S3Error } from './errors.js';
export type { StoredObject } from './store.js';
