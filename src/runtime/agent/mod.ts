export * from './admin-socket.js';
export * from './agent.js';
export { compiledFolder, type AgentDependencies, type Machine } from './context.js';
export { OwnersLog } from './owners-log.js';
export * from './greengrass-link.js';
export { KnownClients } from './known-clients.js';
