export * from './heartbeat.js';
export * from './report.js';
