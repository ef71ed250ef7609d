import { serviceOf, type ServiceName } from './services.js';

/** An error as AWS answers it: the name goes into x-amzn-errortype and the body, `extra` into the body. */
export class AwsError extends Error {
  readonly status: number;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(name: string, status: number, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.status = status;
    this.extra = extra;
  }
}

/** A request that the service model refuses. */
export function invalid(service: ServiceName, message: string, field = ''): AwsError {
  if (service === 'sts') return new AwsError('ValidationError', 400, message);
  if (service === 'kms') return new AwsError('ValidationException', 400, message);
  return service === 'greengrassv2'
    ? new AwsError('ValidationException', 400, message, {
        reason: 'FIELD_VALIDATION_FAILED',
        fields: [{ name: field, message }],
      })
    : new AwsError('InvalidRequestException', 400, message);
}

export function notFound(service: ServiceName, resourceType: string, resourceId: string): AwsError {
  const message = `${resourceType} ${resourceId} does not exist`;
  return new AwsError(
    'ResourceNotFoundException',
    404,
    message,
    service === 'greengrassv2' ? { resourceId, resourceType } : {},
  );
}

/** Too many requests, as each service says it. */
export function throttled(service: ServiceName): AwsError {
  return new AwsError('ThrottlingException', serviceOf(service).throttled, 'Rate exceeded');
}

/** Somebody else changes the same resource just now. */
export function conflict(operation: string): AwsError {
  return new AwsError('ConflictException', 409, `Another ${operation} is in progress`, {
    resourceId: operation,
    resourceType: 'OPERATION',
  });
}
