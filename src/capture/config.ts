import { Type } from '@sinclair/typebox';
import { validate } from '../core/mod.js';
import { createRedactor } from './redaction/redactor.js';
import type { RedactionRule } from './redaction/rules.js';
import { parsePolicies } from './sampling/parse-policies.js';
import type { CapturePolicy } from './sampling/policies.js';

/** What one model captures. Capture is off where there is no configuration or no policy; `always` and CaptureData still work. */
export interface CaptureConfig {
  readonly policies?: readonly CapturePolicy[];
  readonly redaction?: readonly RedactionRule[];
  /** Whether inputs go into records; default true. */
  readonly inputs?: boolean;
  /** Whether outputs go into records; default true. */
  readonly outputs?: boolean;
  /** Secret of the `hash` redaction. */
  readonly hashSalt?: string;
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
