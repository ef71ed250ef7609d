import { EdgeError, isJsonObject, toEdgeError, type Json, type JsonObject } from '../../src/core/mod.js';
import { parseConfiguration } from '../../src/runtime/config/mod.js';
import { parseUploadConfig } from '../../src/upload/config/mod.js';
import { FLEETS_NEXT_STEP } from './fleet.js';

export { ALIASES } from '../../src/runtime/config/mod.js';

/** Configuration by the components' own keys, with the sentence of a key without effect. */
export interface CheckedConfiguration {
  readonly configuration: JsonObject;
  readonly warning: string | undefined;
}

/**
 * The agent's own reading of its configuration, of which only the given keys are kept: former names become ours,
 * text becomes numbers.
 * @throws EdgeError INVALID_ARGUMENT with the key
 */
export function checkAgent(given: JsonObject): CheckedConfiguration {
  const parsed = parseConfiguration(given);
  return {
    configuration: onlyGiven(parsed.given, parsed.configuration as JsonObject),
    warning: parsed.warning,
  };
}

/**
 * The uploader's own reading: what differs from its defaults, or was given by its own name, is kept.
 * @throws EdgeError INVALID_ARGUMENT with the key
 */
export function checkUploader(given: JsonObject): CheckedConfiguration {
  const { configuration, warning } = parseUploadConfig(given);
  const defaults = parseUploadConfig({ destination: 'Disk' }).configuration as JsonObject;
  const kept = Object.entries(configuration as JsonObject).filter(
    ([key, value]) =>
      Object.hasOwn(given, key) || value !== (key === 'destination' ? 'Cloud' : defaults[key]),
  );
  return { configuration: Object.fromEntries(kept), warning };
}

/** A component's refusal as one of the file: the same reason, with the path in the file. */
export function atPath<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    const error = toEdgeError(thrown);
    const reason = error.message.replace(/^Cannot read the configuration /, '');
    throw new EdgeError('CONFIGURATION_INVALID', `Cannot use the fleets file at '${path}' ${reason}`, {
      field: error.field === undefined || error.field === '' ? path : `${path}.${error.field}`,
      nextStep: error.nextStep ?? FLEETS_NEXT_STEP,
      cause: thrown,
    });
  }
}

function onlyGiven(given: JsonObject, read: JsonObject): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(given)) {
    const part = read[key];
    if (part === undefined) continue;
    kept[key] = isJsonObject(value) && isJsonObject(part) ? onlyGiven(value, part) : part;
  }
  return kept;
}
