import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError, validate, type Logger } from '../../../core/mod.js';
import type { IotCore, IpcKernel } from '../api/mod.js';
import { isAllowed, type PolicyService } from './authorize.js';
import type { Behaviour } from './behaviour.js';
import type { ComponentUpdates } from './component-updates.js';
import type { PubSub } from './pub-sub.js';
import type { EventStream } from './event-stream.js';
import { refuse, type Reply } from './reply.js';

/** What all operations of a server share. */
export interface Services {
  readonly kernel: IpcKernel;
  readonly iotCore: IotCore;
  readonly behaviour: Behaviour;
  readonly pubSub: PubSub;
  readonly componentUpdates: ComponentUpdates;
  readonly logger: Logger;
}

/** One request of a connected component. */
export interface Call {
  /** With its prefix: `aws.greengrass#PublishToTopic`. */
  readonly operation: string;
  readonly component: string;
  readonly services: Services;
  readonly stream: EventStream;
}

/** An operation of the service: its request arrives as parsed JSON. */
export interface Operation {
  /** Streaming operations keep their stream open after the response. */
  readonly isStreaming: boolean;
  run(call: Call, request: unknown): Reply | Promise<Reply>;
}

/** An operation whose request is checked against `schema` before `run` sees it. */
export function operation<S extends TSchema>(
  schema: S,
  run: (call: Call, request: Static<S>) => Reply | Promise<Reply>,
  options: { readonly isStreaming?: boolean } = {},
): Operation {
  return {
    isStreaming: options.isStreaming === true,
    run: (call, request) => {
      let checked: Static<S>;
      try {
        checked = validate(schema, request, 'Cannot read the IPC request');
      } catch (error) {
        if (!(error instanceof EdgeError)) throw error;
        call.services.logger.warn(error.message, { component: call.component, operation: call.operation });
        return call.services.behaviour.malformed();
      }
      return run(call, checked);
    },
  };
}

/** The refusal, if the caller's `accessControl` does not allow this operation on `resource`. */
export function denied(call: Call, service: PolicyService, resource: string): Reply | undefined {
  const { kernel, behaviour, logger } = call.services;
  const action = { service, operation: call.operation, resource };
  if (isAllowed(behaviour.profile, kernel.accessControl(call.component), action)) return undefined;
  const message = `Principal ${call.component} is not authorized to perform ${service}:${call.operation} on resource ${resource}`;
  logger.warn(message);
  return refuse('UnauthorizedError', behaviour.denial(service, resource, message));
}

const encoder = new TextEncoder();

/** An event's JSON as bytes. */
export function eventBody(body: object): Uint8Array {
  return encoder.encode(JSON.stringify(body));
}
