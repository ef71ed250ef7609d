import type { JsonObject } from '../../../src/core/mod.js';

/** Named shadows. */
export interface Shadows {
  /** `state.reported` of a named shadow. */
  reported(thing: string, shadow: string): Promise<JsonObject | undefined>;
  /** Merges into `state.reported` of a named shadow; null takes a key away. */
  report(thing: string, shadow: string, reported: JsonObject): Promise<void>;
}
