/** IAM of the local cloud: who a key is, and what its policies let it do. */
export { evaluate, type Need } from './evaluate.js';
export { ADMINISTRATOR, Identities, refusalOf, type AccessKeys, type NeedListener } from './identities.js';
export { parsePolicy, type Policy } from './policy.js';
