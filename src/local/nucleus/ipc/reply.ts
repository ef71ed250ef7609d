import type { Code } from '../../../contract/mod.js';
import { toEdgeError, type JsonObject } from '../../../core/mod.js';
import type { Words } from './words.js';

/** The modelled errors of Greengrass IPC; on the wire each has the prefix `aws.greengrass#`. */
export type ErrorShape =
  | 'ServiceError'
  | 'UnauthorizedError'
  | 'InvalidArgumentsError'
  | 'ResourceNotFoundError'
  | 'ConflictError'
  | 'FailedUpdateConditionCheckError'
  | 'InvalidTokenError';

/** What an operation answers. */
export type Reply =
  | {
      readonly kind: 'response';
      /** JSON text of the response shape, which is named after the operation. */
      readonly body: string;
      /** Runs as soon as the response is written. */
      readonly after?: () => void;
    }
  | { readonly kind: 'error'; readonly shape: ErrorShape; readonly message: string | undefined }
  /** A fault that Greengrass does not model: plain text, or JSON of its own. */
  | { readonly kind: 'fault'; readonly text: string };

const EMPTY: Reply = { kind: 'response', body: '{}' };

/** A response; without a body the empty one. */
export function respond(body?: JsonObject): Reply {
  return body === undefined ? EMPTY : { kind: 'response', body: JSON.stringify(body) };
}

export function refuse(shape: ErrorShape, message: string | undefined): Reply {
  return { kind: 'error', shape, message };
}

/** A refusal in the nucleus' own words. */
export function refuseWith({ shape, message }: Words): Reply {
  return refuse(shape, message);
}

/** What the kernel threw, as the error shape that a client can decode. */
export function refusalOf(thrown: unknown): Reply {
  const error = toEdgeError(thrown);
  return refuse(shapeOf(error.code), error.message);
}

function shapeOf(code: Code): ErrorShape {
  switch (code) {
    case 'NOT_FOUND':
      return 'ResourceNotFoundError';
    case 'INVALID_ARGUMENT':
    case 'OUT_OF_RANGE':
      return 'InvalidArgumentsError';
    case 'PERMISSION_DENIED':
      return 'UnauthorizedError';
    case 'ALREADY_EXISTS':
      return 'ConflictError';
    case 'FAILED_PRECONDITION':
      return 'FailedUpdateConditionCheckError';
    case 'RESOURCE_EXHAUSTED':
    case 'DEADLINE_EXCEEDED':
    case 'UNAVAILABLE':
    case 'UNIMPLEMENTED':
    case 'INTERNAL':
      return 'ServiceError';
  }
}
