export * from './admin-socket.js';
export * from './agent.js';
export { AGENT_VERSION, type AgentDependencies, type Machine } from './context.js';
export * from './greengrass-link.js';
export type { AgentHandlers } from './handlers.js';
export type { PredictionQueue } from './predictions.js';
