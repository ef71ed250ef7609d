import { Type } from '@sinclair/typebox';
import { eventBody, operation } from './call.js';
import { refuse, respond } from './reply.js';

export const subscribeToValidateConfigurationUpdates = operation(
  Type.Object({}),
  (call) => {
    const end = call.services.kernel.onConfigurationToValidate(call.component, (event) => {
      const body = { validateConfigurationUpdateEvent: event };
      void call.stream.send('ValidateConfigurationUpdateEvents', eventBody(body));
    });
    call.stream.onEnd(end);
    return respond();
  },
  { isStreaming: true },
);

export const sendConfigurationValidityReport = operation(
  Type.Object({
    configurationValidityReport: Type.Object({
      status: Type.Union([Type.Literal('ACCEPTED'), Type.Literal('REJECTED')]),
      deploymentId: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
    }),
  }),
  (call, { configurationValidityReport: { deploymentId, ...report } }) => {
    if (deploymentId === undefined) {
      return refuse(
        'InvalidArgumentsError',
        'Cannot accept configuration validity report, the deployment ID provided was null',
      );
    }
    return call.services.kernel.reportValidity(call.component, { deploymentId, ...report })
      ? respond()
      : refuse('InvalidArgumentsError', 'Validation request either timed out or was never made');
  },
);
