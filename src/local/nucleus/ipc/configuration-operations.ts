import { Type } from '@sinclair/typebox';
import { isJsonObject, type Json } from '../../../core/mod.js';
import { eventBody, operation } from './call.js';
import type { Behaviour } from './behaviour.js';
import { refuse, refuseWith, respond } from './reply.js';

const KeyPath = Type.Optional(Type.Array(Type.String()));

/** A value that is no object comes back below its last key, as both nuclei do it. */
export const getConfiguration = operation(
  Type.Object({ componentName: Type.Optional(Type.String()), keyPath: KeyPath }),
  (call, { componentName = call.component, keyPath = [] }) => {
    const { kernel, behaviour } = call.services;
    const found = kernel.findConfiguration(componentName, keyPath);
    if (found === undefined) return refuseWith(behaviour.sayings.keyNotFound);
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
    const { behaviour } = call.services;
    if (!isTimestamp(behaviour, timestamp)) return refuseWith(behaviour.sayings.noTimestamp);
    if (valueToMerge === undefined) return refuseWith(behaviour.sayings.noValue);
    if (keyPath.length === 0 && !isJsonObject(valueToMerge)) {
      return behaviour.profile === 'lite'
        ? refuse('ServiceError', 'Failed to update the configuration.')
        : behaviour.malformed();
    }
    const touched =
      keyPath.length > 0 ? keyPath.slice(0, 1) : isJsonObject(valueToMerge) ? Object.keys(valueToMerge) : [];
    if (touched.includes('accessControl')) {
      return refuseWith(behaviour.sayings.restrictedKey);
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

/** Lite wants a number with a fraction: a time on the full second is refused. */
function isTimestamp({ profile }: Behaviour, timestamp: number | undefined): timestamp is number {
  return timestamp !== undefined && (profile === 'nucleus' || !Number.isInteger(timestamp));
}

export const subscribeToConfigurationUpdate = operation(
  Type.Object({ componentName: Type.Optional(Type.String()), keyPath: KeyPath }),
  (call, { componentName = call.component, keyPath = [] }) => {
    const { kernel, behaviour } = call.services;
    if (kernel.findConfiguration(componentName, keyPath) === undefined) {
      return refuseWith(behaviour.sayings.subscribedKeyNotFound);
    }
    const end = kernel.onConfigurationChange(componentName, keyPath, (changed, changedKeyPath) => {
      const event = { componentName: changed, keyPath: changedKeyPath };
      void call.stream.send('ConfigurationUpdateEvents', eventBody({ configurationUpdateEvent: event }));
    });
    call.stream.onEnd(end);
    return respond();
  },
  { isStreaming: true },
);
