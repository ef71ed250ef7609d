import { Type } from '@sinclair/typebox';
import type { JsonObject } from '../../../core/mod.js';
import type { ComponentStatus, ComponentUpdateEvent } from '../api/mod.js';
import { denied, eventBody, operation } from './call.js';
import { refuse, refuseWith, respond } from './reply.js';

/** The one component that may ask whether a token is valid. */
const TOKEN_VALIDATOR = 'aws.greengrass.StreamManager';

export const updateState = operation(
  Type.Object({ state: Type.Optional(Type.String()) }),
  (call, { state }) => {
    const { kernel, behaviour } = call.services;
    if (state === undefined) return refuseWith(behaviour.sayings.noState);
    if (state !== 'RUNNING' && state !== 'ERRORED') return refuseWith(behaviour.sayings.unknownState);
    kernel.updateState(call.component, state);
    return respond();
  },
);

export const subscribeToComponentUpdates = operation(
  Type.Object({}),
  (call) => {
    const { kernel, componentUpdates } = call.services;
    const end = kernel.onComponentUpdate(call.component, (event) => {
      void call.stream.send('ComponentUpdatePolicyEvents', eventBody(policyEvent(event)));
    });
    componentUpdates.add(call.component);
    call.stream.onEnd(() => {
      end();
      componentUpdates.remove(call.component);
    });
    return respond();
  },
  { isStreaming: true },
);

function policyEvent(event: ComponentUpdateEvent): object {
  const { deploymentId } = event;
  return event.kind === 'pre'
    ? { preUpdateEvent: { deploymentId, isGgcRestarting: event.isGgcRestarting } }
    : { postUpdateEvent: { deploymentId } };
}

export const deferComponentUpdate = operation(
  Type.Object({
    deploymentId: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    recheckAfterMs: Type.Optional(Type.Number()),
  }),
  (call, { deploymentId, recheckAfterMs = 0 }) => {
    const { kernel, componentUpdates } = call.services;
    if (!componentUpdates.has(call.component)) {
      return refuse('InvalidArgumentsError', 'Component is not subscribed to component update events');
    }
    if (deploymentId === undefined) {
      return refuse('InvalidArgumentsError', 'Cannot defer the update, the deployment ID provided was null');
    }
    return kernel.deferComponentUpdate(call.component, deploymentId, recheckAfterMs)
      ? respond()
      : refuse('ServiceError', 'Time limit to respond to PreComponentUpdateEvent exceeded');
  },
);

export const getComponentDetails = operation(
  Type.Object({ componentName: Type.String({ minLength: 1 }) }),
  (call, { componentName }) => {
    const refusal = denied(call, 'aws.greengrass.Cli', componentName);
    if (refusal !== undefined) return refusal;
    const status = call.services.kernel.componentDetails(componentName);
    return status === undefined
      ? refuse('ResourceNotFoundError', `Component with name ${componentName} not found in Greengrass`)
      : respond({ componentDetails: details(status) });
  },
);

export const listComponents = operation(Type.Object({}), (call) => {
  const refusal = denied(call, 'aws.greengrass.Cli', '*');
  if (refusal !== undefined) return refusal;
  return respond({ components: call.services.kernel.listComponents().map(details) });
});

function details({ name, version, state, configuration }: ComponentStatus): JsonObject {
  return { componentName: name, version, state, configuration };
}

export const validateAuthorizationToken = operation(
  Type.Object({ token: Type.String() }),
  (call, { token }) => {
    if (call.component !== TOKEN_VALIDATOR) {
      return refuseWith(call.services.behaviour.sayings.notTokenValidator(call.component));
    }
    if (call.services.kernel.componentOf(token) === undefined) {
      return refuse('InvalidTokenError', 'The token is not known');
    }
    return respond({ isValid: true });
  },
);
