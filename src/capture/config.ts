import { Type } from '@sinclair/typebox';
import { validate } from '../core/mod.js';
import { createRedactor, type RedactionConfig } from './redaction/redactor.js';
import { parsePolicies } from './sampling/parse-policies.js';
import type { CapturePolicy } from './sampling/policies.js';

/** What one model captures. Capture is off where there is no configuration or no policy; `always` and CaptureData still work. */
export interface CaptureConfig extends RedactionConfig {
  readonly policies?: readonly CapturePolicy[];
}

export const CaptureConfigSchema = Type.Object(
  {
    policies: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 32 })),
    redaction: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 64 })),
    inputs: Type.Optional(Type.Boolean()),
    outputs: Type.Optional(Type.Boolean()),
    hashSalt: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
  },
  { additionalProperties: false },
);

/** @throws INVALID_ARGUMENT that names the key, policy or rule */
export function parseCaptureConfig(value: unknown): CaptureConfig {
  const config = validate(CaptureConfigSchema, value, 'Cannot use the capture configuration');
  const parsed = { ...config, policies: parsePolicies(config.policies ?? []) } as CaptureConfig;
  createRedactor(parsed);
  return parsed;
}
