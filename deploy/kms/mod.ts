export * from './kms-signer.js';
