/** A small Greengrass nucleus for development and tests; in no device artifact. */
export * from './api/mod.js';
export { removeLocked as removeNucleusRoot } from './artifacts.js';
export { folderStore, type FolderStore } from './folder-store.js';
export { createIotBroker } from './ipc/mod.js';
export { startNucleus } from './nucleus.js';
