import { readOperation, type Schema } from './model.js';
import type { BoundOperation } from './http.js';

/** Ties a handler to an operation of the service model; the request was checked against the model before. */
export function on<Input, Output>(
  schema: Schema,
  handler: (input: Input) => Output | Promise<Output>,
): BoundOperation {
  return { operation: readOperation(schema), handler: (input) => handler(input as Input) };
}
