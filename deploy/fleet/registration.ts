import { Type, type Static } from '@sinclair/typebox';
import { isJsonObject, type JsonObject } from '../../src/core/mod.js';
import { readAs } from '../cloud/fleet/mod.js';

/**
 * The named shadow that holds what RegisterDevices gave: AWS IoT's things have no description and few
 * attributes. It is not the heartbeat's shadow, whose 8 kB belong to the device.
 */
export const REGISTRATION_SHADOW = 'edge-manager-registration';

/** A device's entry in one fleet. */
export const RegistrationSchema = Type.Object({
  device: Type.String({ minLength: 1, maxLength: 128 }),
  description: Type.Optional(Type.String({ maxLength: 40 })),
  registeredAtMs: Type.Number(),
});
export type Registration = Static<typeof RegistrationSchema>;

/** A thing group's entry in `state.reported` of the shadow; undefined where there is none. */
export function registrationIn(reported: JsonObject | undefined, group: string): Registration | undefined {
  const fleets = reported?.['fleets'];
  const entry = isJsonObject(fleets) && Object.hasOwn(fleets, group) ? fleets[group] : undefined;
  return readAs(RegistrationSchema, entry);
}

/** `state.reported` that sets an entry, or takes it away; entries of other fleets stay. */
export function registrationUpdate(group: string, entry: Registration | undefined): JsonObject {
  if (entry === undefined) return { fleets: { [group]: null } };
  const { device, description = null, registeredAtMs } = entry;
  return { fleets: { [group]: { device, description, registeredAtMs } } };
}
