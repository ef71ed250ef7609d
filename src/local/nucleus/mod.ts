/** A small Greengrass nucleus for development and tests; in no device artifact. */
export * from './api/mod.js';
export { removeLocked as removeNucleusRoot } from './artifacts.js';
export { folderStore, type BuildFolder, type FolderStore } from './folder-store.js';
export { createIotBroker, type IotBroker, type IotMessage } from './ipc/mod.js';
export { startNucleus } from './nucleus.js';
