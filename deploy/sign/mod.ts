export * from './sign-folder.js';
export * from './sign-package.js';
export * from './signer.js';
