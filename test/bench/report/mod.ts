/** What becomes of figures: a file, a table on the terminal, a table in the documentation. */
export * from './document.js';
export * from './lines.js';
export * from './machine.js';
export * from './results.js';
export * from './table.js';
