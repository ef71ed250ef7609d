/** Fleets and their devices: what Edge Manager called DeviceFleet and Device. */
export * from './apply.js';
export { decideFleet, type FleetDecision } from './decide.js';
export * from './files.js';
export { fleetNamed, type Fleet, type FleetDevice } from './fleet.js';
export { FLEET_MARKS } from './marks.js';
export * from './parse.js';
export * from './policies.js';
export * from './propose.js';
export * from './registration.js';
export * from './schema.js';
export { readFleetState, type DeviceState, type FleetState } from './state.js';
export * from './steps.js';
