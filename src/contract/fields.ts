import { Type } from '@sinclair/typebox';
import { MAX_TENSORS, WireTensor } from './tensor.js';
import { LABEL_MAX_CHARS, LABEL_PATTERN, MODEL_NAME_MAX_CHARS, MODEL_NAME_PATTERN } from './topics.js';

/** Fields that several operations share. */
export const modelName = Type.String({ maxLength: MODEL_NAME_MAX_CHARS, pattern: MODEL_NAME_PATTERN });
export const version = Type.String({ minLength: 1, maxLength: 64 });
const label = Type.String({ minLength: 1, maxLength: LABEL_MAX_CHARS, pattern: LABEL_PATTERN });
export const captureId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._:-]+$' });
export const tensors = Type.Array(Type.Unsafe<WireTensor>(WireTensor), { maxItems: MAX_TENSORS });
export const cursor = Type.Optional(Type.String({ maxLength: 256 }));

/** Which version of a model: at most one of `version` and `label`; none means label `stable`. */
export const selector = { version: Type.Optional(version), label: Type.Optional(label) };
