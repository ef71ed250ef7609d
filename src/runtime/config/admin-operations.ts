import { operations, operatorOperations, type OperationName } from '../../contract/mod.js';

/** What the admin socket can be asked for. Registration is the deployments' alone. */
export const ADMIN_OPERATIONS: readonly string[] = [
  ...(Object.keys(operations) as OperationName[]).filter((name) => name !== 'register'),
  ...operatorOperations.map(({ op }) => op),
];

/** What it answers where the configuration says nothing: what changes nothing on the device, and predictions. */
export const DEFAULT_ADMIN_OPERATIONS: readonly string[] = [
  'hello',
  'list',
  'describe',
  'stats',
  'predict',
  'captureStatus',
  'listQuarantined',
];

/** What it answered before there was a choice. */
export const FORMER_ADMIN_OPERATIONS: readonly string[] = [
  ...DEFAULT_ADMIN_OPERATIONS,
  'load',
  'unload',
  'capture',
];
