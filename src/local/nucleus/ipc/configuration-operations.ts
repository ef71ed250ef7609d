import { Type } from '@sinclair/typebox';
import { isJsonObject, type Json } from '../../../core/mod.js';
import { eventBody, operation } from './call.js';
import { refuse, respond } from './reply.js';

const KeyPath = Type.Optional(Type.Array(Type.String()));

/** A value that is no object comes back below its last key, as both nuclei do it. */
export const getConfiguration = operation(
  Type.Object({ componentName: Type.Optional(Type.String()), keyPath: KeyPath }),
  (call, { componentName = call.component, keyPath = [] }) => {
    const found = call.services.kernel.getConfiguration(componentName, keyPath);
    const leaf = keyPath.at(-1);
    if (isJsonObject(found)) return respond({ componentName, value: found });
    if (leaf === undefined) return refuse('InvalidArgumentsError', 'Key is not valid.');
    return respond({ componentName, value: { [leaf]: found } });
  },
);

/** `timestamp` is seconds since the epoch, with milliseconds as its fraction. */
export const updateConfiguration = operation(
  Type.Object({
    keyPath: KeyPath,
    timestamp: Type.Optional(Type.Number()),
    valueToMerge: Type.Optional(Type.Unsafe<Json>({})),
  }),
  (call, { keyPath = [], timestamp, valueToMerge }) => {
    if (timestamp === undefined) return refuse('InvalidArgumentsError', 'Timestamp is required');
    if (valueToMerge === undefined) return refuse('InvalidArgumentsError', 'ValueToMerge is required');
    const touched =
      keyPath.length > 0 ? keyPath.slice(0, 1) : isJsonObject(valueToMerge) ? Object.keys(valueToMerge) : [];
    if (touched.includes('accessControl')) {
      return refuse(
        'InvalidArgumentsError',
        'Config update is not allowed for following fields [accessControl]',
      );
    }
    call.services.kernel.updateConfiguration(
      call.component,
      keyPath,
      valueToMerge,
      Math.trunc(timestamp * 1000),
    );
    return respond();
  },
);

export const subscribeToConfigurationUpdate = operation(
  Type.Object({ componentName: Type.Optional(Type.String()), keyPath: KeyPath }),
  (call, { componentName = call.component, keyPath = [] }) => {
    const { kernel } = call.services;
    // Throws NOT_FOUND for a key that does not exist, which can't be subscribed.
    kernel.getConfiguration(componentName, keyPath);
    const end = kernel.onConfigurationChange(componentName, keyPath, (changed, changedKeyPath) => {
      const event = { componentName: changed, keyPath: changedKeyPath };
      void call.stream.send('ConfigurationUpdateEvents', eventBody({ configurationUpdateEvent: event }));
    });
    call.stream.onEnd(end);
    return respond();
  },
  { isStreaming: true },
);
