export { type Fault, type FaultScript } from './faults.js';
export { S3Error } from './errors.js';
export { startLocalS3, type LocalS3, type LocalS3Options } from './server.js';
export { verifySignature, type S3Credentials } from './sigv4.js';
