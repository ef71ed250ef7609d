import { partitionOf } from '../core/mod.js';

/**
 * Whether requests may go to another region because an answer says so: of the same partition, and only where the
 * address is made from the region's name. Credentials are never sent to another partition. A store by its own endpoint lies where that endpoint is.
 */
export function mayFollow(from: string, to: string, endpoint: string | undefined): boolean {
  const isRegion = /^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}$/.test(to);
  return endpoint === undefined && isRegion && to !== from && partitionOf(to).name === partitionOf(from).name;
}
