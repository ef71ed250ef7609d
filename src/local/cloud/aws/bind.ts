import { readOperation, type Schema } from './model.js';
import type { BoundOperation } from './http.js';

/** Ties a handler to an operation of the service model; the request was checked against the model before. */
export function on<Input, Output>(
  schema: Schema,
  handler: (input: Input, caller: string | undefined) => Output | Promise<Output>,
): BoundOperation {
  return { operation: readOperation(schema), handler: (input, caller) => handler(input as Input, caller) };
}
