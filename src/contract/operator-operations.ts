import { Type } from '@sinclair/typebox';
import { modelName, version } from './fields.js';
import { listQuarantinedOperation, requeueOperation } from './quarantine-operations.js';

/** What the operator of a device alone may ask, over the agent's admin socket: it has no topic. */
export const resetNewestOperation = {
  op: 'resetNewest',
  request: Type.Object({
    name: modelName,
    /** From now on the newest that counts: whatever was admitted above it no longer keeps others out. */
    version,
  }),
  reply: Type.Object({
    name: modelName,
    /** Versions that count no longer. */
    passedOver: Type.Array(Type.String()),
    /** The newest that counts now; absent: none, so that any version may come. */
    newest: Type.Optional(Type.String()),
  }),
} as const;

/** All that the operator alone may ask. */
export const operatorOperations = [resetNewestOperation, listQuarantinedOperation, requeueOperation] as const;
