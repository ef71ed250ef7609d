export * from './admission.js';
export * from './compare.js';
export * from './manifest.js';
export * from './manifest-schema.js';
export * from './names.js';
export * from './package-reader.js';
export * from './package-writer.js';
export * from './recipe-template.js';
export * from './samples.js';
export {
  createKeySigner,
  keyHint,
  signResources,
  verifySignature,
  type Signer,
  type VerifiedSignature,
} from './signature.js';
export type { Resource } from './signature-bundle.js';
export { parseTrust, type TrustStore } from './trust.js';
export { readOnce } from './verified-file.js';
