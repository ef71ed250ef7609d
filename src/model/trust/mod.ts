export { verifyChain } from './certificate-chain.js';
export { checked, type Check, type Explain } from './explain.js';
export { checkKeyLimits, type TrustLimits, type VerifyOptions } from './key-rules.js';
export {
  describeKey,
  hashForKey,
  keyId,
  parseCertificates,
  parseTrust,
  type TrustStore,
} from './trust-store.js';
