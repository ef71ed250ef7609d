import type { Static, TSchema } from '@sinclair/typebox';
import { validate, type JsonObject } from '../../../src/core/mod.js';

/** Named shadows. */
export interface Shadows {
  /** `state.reported` of a named shadow. */
  reported(thing: string, shadow: string): Promise<JsonObject | undefined>;
  /** Merges into `state.reported` of a named shadow; null takes a key away. */
  report(thing: string, shadow: string, reported: JsonObject): Promise<void>;
}

/** A shadow's part as its type; undefined for anything else: whoever may write shadows may write any. */
export function readAs<S extends TSchema>(schema: S, value: unknown): Static<S> | undefined {
  if (value === undefined) return undefined;
  try {
    return validate(schema, value, 'Cannot read the shadow');
  } catch {
    return undefined;
  }
}
