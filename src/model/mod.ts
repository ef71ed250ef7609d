export * from './admission.js';
export * from './compare.js';
export * from './distributions.js';
export * from './manifest.js';
export * from './manifest-schema.js';
export * from './names.js';
export * from './package-reader.js';
export * from './package-writer.js';
export * from './recipe-template.js';
export * from './samples.js';
export {
  createDigestSigner,
  createKeySigner,
  signResources,
  verifySignature,
  type Signer,
} from './signature.js';
export { parseTrust, type Check, type Explain } from './trust/mod.js';
export { checkUnchanged, giveBack, readOnce } from './verified-file.js';
