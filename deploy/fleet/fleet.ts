import { EdgeError, type JsonObject } from '../../src/core/mod.js';

/** A device of a fleets file, defaults put in. */
export interface FleetDevice {
  readonly name: string;
  readonly thing: string;
  readonly description: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A fleet of a fleets file: checked as a whole, defaults put in. */
export interface Fleet {
  readonly name: string;
  readonly group: string;
  /** Where the file gives an ARN: the group must exist, with this ARN. */
  readonly groupArn: string | undefined;
  readonly description: string;
  readonly roleAlias: string | undefined;
  readonly roleArn: string | undefined;
  /** Where captured records go: bucket (or access point ARN), and what stands before the fleet in their keys. */
  readonly output:
    { readonly bucket: string; readonly prefix: string; readonly kmsKeyId: string | undefined } | undefined;
  readonly artifactBucket: string | undefined;
  readonly artifactComponents: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  /** Files of public keys whose signatures devices accept; what they hold stands in `agent` once the file was read. */
  readonly trust: readonly string[];
  /** What the components get by a deployment; undefined: the file says nothing of them. */
  readonly agent: JsonObject | undefined;
  readonly uploader: JsonObject | undefined;
  readonly createThings: boolean;
  readonly devices: readonly FleetDevice[];
  readonly query: string | undefined;
  /** Sentences on keys without effect. */
  readonly warnings: readonly string[];
}

export const FLEETS_NEXT_STEP = 'Correct the fleets file: docs/fleets.md has every key';

/** A refusal of the fleets file. */
export function refused(field: string, reason: string, nextStep = FLEETS_NEXT_STEP): EdgeError {
  return new EdgeError('FLEET_INVALID', `Cannot use the fleets file as ${reason}`, { field, nextStep });
}

/** The fleet of that name. @throws EdgeError NOT_FOUND that names those there are */
export function fleetNamed(fleets: readonly Fleet[], name: string): Fleet {
  const found = fleets.find((fleet) => fleet.name === name);
  if (found !== undefined) return found;
  throw new EdgeError('FLEET_NOT_FOUND', `Cannot find the fleet ${name} in the fleets file`, {
    field: `fleets.${name}`,
    nextStep: `Give one of ${fleets.map((fleet) => fleet.name).join(', ')}, or add it to the file`,
  });
}
