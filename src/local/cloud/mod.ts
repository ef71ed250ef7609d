/** AWS's counterpart on one machine, for development and tests; in no device artifact. */
export type { Device } from './aws/deployments.js';
export type { ServiceName } from './aws/services.js';
export { ConnectionCut, type CallHook } from './aws/http.js';
export { startLocalCloud, type LocalCloud } from './cloud.js';
export { ADMINISTRATOR, evaluate, parsePolicy, type Need } from './iam/mod.js';
export { makeLocalCredentials } from './credentials.js';
