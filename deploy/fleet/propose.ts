import type { Clock } from '../../src/core/mod.js';
import type { FleetIndex, RoleAliases, Shadows, ThingGroups, Things } from '../cloud/fleet/mod.js';
import { decideFleet, type FleetDecision } from './decide.js';
import type { Fleet } from './fleet.js';
import { fleetPolicies, type PolicyDocument } from './policies.js';
import { readFleetState } from './state.js';

/** What an apply would do to one fleet, for a person to read first. */
export interface FleetProposal extends FleetDecision {
  readonly fleet: Fleet;
  /** Undefined: the group is yet to be created. */
  readonly groupArn: string | undefined;
  /** Undefined where nothing of the fleet is there that tells account and region. */
  readonly policies: readonly PolicyDocument[] | undefined;
}

/** Reads all of the fleets and decides, changing nothing. Throws where an apply must not start. */
export async function proposeFleets(
  cloud: ThingGroups & Things & FleetIndex & Shadows & RoleAliases,
  fleets: readonly Fleet[],
  clock: Clock,
): Promise<readonly FleetProposal[]> {
  const proposals: FleetProposal[] = [];
  for (const fleet of fleets) {
    const state = await readFleetState(cloud, fleet);
    const arn = state.group?.arn ?? state.roleAlias?.arn;
    proposals.push({
      ...decideFleet(fleet, state, clock.wallMs()),
      fleet,
      groupArn: state.group?.arn,
      policies: arn === undefined ? undefined : fleetPolicies(fleet, arn),
    });
  }
  return proposals;
}
