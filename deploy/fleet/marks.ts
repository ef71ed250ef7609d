import { tagText } from '../cloud/fleet/mod.js';
import type { Fleet } from './fleet.js';

/** Tags by which a thing group says which fleet it is: list and describe need no file. */
export const FLEET_MARKS = {
  fleet: 'edge-manager:fleet',
  output: 'edge-manager:output',
  kmsKey: 'edge-manager:kms-key',
  roleAlias: 'edge-manager:role-alias',
  artifacts: 'edge-manager:artifacts',
} as const;

/** The marks of a fleet; what it does not have has no tag. */
export function fleetMarks(fleet: Fleet): Readonly<Record<string, string>> {
  const { output } = fleet;
  const marks: Record<string, string | undefined> = {
    [FLEET_MARKS.fleet]: fleet.name,
    [FLEET_MARKS.output]: output === undefined ? undefined : locationOf(output),
    [FLEET_MARKS.kmsKey]: output?.kmsKeyId,
    [FLEET_MARKS.roleAlias]: fleet.roleAlias,
    [FLEET_MARKS.artifacts]: fleet.artifactBucket,
  };
  return Object.fromEntries(
    Object.entries(marks).flatMap(([key, value]) => (value === undefined ? [] : [[key, tagText(value)]])),
  );
}

/** As `s3OutputLocation` has it. */
function locationOf(output: { readonly bucket: string; readonly prefix: string }): string {
  return `${output.bucket.startsWith('arn:') ? '' : 's3://'}${output.bucket}/${output.prefix}`;
}
