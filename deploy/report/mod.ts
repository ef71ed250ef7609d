export * from './attention.js';
export { monthlyCost, PRICES, TYPICAL, type FleetUse, type MonthlyCost } from './cost.js';
export { deviceState } from './device-states.js';
export { CAPTURE_FIELDS, indexHeartbeats, REPORT_FIELDS } from './fields.js';
export * from './history-file.js';
export { fleetReport } from './report.js';
export { DeviceStates, FleetReport, ModelReport } from './schema.js';
