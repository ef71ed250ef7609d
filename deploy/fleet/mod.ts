/** Fleets and their devices: what Edge Manager called DeviceFleet and Device. */
export { applyFleet, type AppliedFleet } from './apply.js';
export { decideFleet, type FleetDecision } from './decide.js';
export { planForFleet } from './deployment.js';
export { describeFleet, listFleets, type FleetDescription, type FleetSummary } from './describe.js';
export * from './devices.js';
export * from './files.js';
export { fleetNamed, type Fleet, type FleetDevice } from './fleet.js';
export { fleetsYaml, importFleets, type FormerDocument, type ImportedFleets } from './import.js';
export type { WithoutCounterpart } from './import-documents.js';
export { FLEET_MARKS } from './marks.js';
export * from './parse.js';
export * from './policies.js';
export * from './propose.js';
export * from './register.js';
export { REGISTRATION_SHADOW, registrationIn, type Registration } from './registration.js';
export * from './schema.js';
export { readFleetState, type DeviceState, type FleetState } from './state.js';
export * from './steps.js';
