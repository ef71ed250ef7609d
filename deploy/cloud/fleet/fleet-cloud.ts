import type { Deployments } from './deployments.js';
import type { FleetIndex } from './fleet-index.js';
import type { Jobs } from './jobs.js';
import type { Platforms } from './platforms.js';
import type { RoleAliases } from './role-aliases.js';
import type { Shadows } from './shadows.js';
import type { ThingGroups } from './thing-groups.js';
import type { Things } from './things.js';

/**
 * All that fleets, rollouts and reports ask of AWS, for whoever puts them together; each of them takes the ports that
 * it uses. Each method is one operation or one paged list. Errors are EdgeErrors; what does not exist is undefined.
 * Throttling is retried by the adapter. A write may be repeated: a second one like the first changes nothing.
 */
export type FleetCloud = ThingGroups &
  Things &
  Deployments &
  Jobs &
  Platforms &
  FleetIndex &
  Shadows &
  RoleAliases;
