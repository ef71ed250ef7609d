/** Files and folders of the person at the command line: whole reads, whole writes, scratch folders. */
export * from './files.js';
export * from './scratch.js';
