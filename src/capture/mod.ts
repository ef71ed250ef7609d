export * from './config.js';
export * from './port.js';
export * from './redaction/redactor.js';
export * from './redaction/rules.js';
export * from './sampling/parse-policies.js';
export * from './sampling/policies.js';
export * from './sampling/sampler.js';
