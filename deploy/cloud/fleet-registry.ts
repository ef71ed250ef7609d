import type { JsonObject } from '../../src/core/mod.js';
import type { FleetCloud } from './fleet-cloud.js';

/** A static thing group. */
export interface GroupRecord {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly createdAtMs: number | undefined;
}

export interface RoleAliasRecord {
  readonly arn: string;
  readonly roleArn: string;
}

/** A thing as fleet indexing has it. */
export interface IndexedDevice {
  readonly thing: string;
  readonly connected: boolean;
  /** Since when it is connected, or isn't. */
  readonly connectivityAtMs: number | undefined;
  readonly groups: readonly string[];
  /** `state.reported` of the indexed named shadows. */
  readonly shadows: Readonly<Record<string, JsonObject>>;
}

/**
 * What the registry of fleets and devices asks of AWS beside FleetCloud: the same rules hold. Each write may be
 * repeated: a second one like the first changes nothing.
 */
export interface FleetRegistry {
  group(name: string): Promise<GroupRecord | undefined>;
  /** Thing groups whose names start with `prefix`. */
  groups(prefix: string): Promise<readonly { readonly name: string; readonly arn: string }[]>;
  deleteThing(name: string): Promise<void>;
  roleAlias(name: string): Promise<RoleAliasRecord | undefined>;
  /** Merges into `state.reported` of a named shadow; null takes a key away. */
  report(thing: string, shadow: string, reported: JsonObject): Promise<void>;
  /** Things that match, at most `limit`. */
  indexedDevices(query: string, limit: number): Promise<readonly IndexedDevice[]>;
}

export type FleetAdminCloud = FleetCloud & FleetRegistry;
