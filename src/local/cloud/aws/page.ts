import { invalid } from './errors.js';
import type { ServiceName } from './services.js';

/** One page of a list, with AWS's opaque token for the next one. */
export function page<T>(
  service: ServiceName,
  all: Iterable<T>,
  maxResults: number | undefined,
  nextToken: string | undefined,
  limit = 100,
): { items: readonly T[]; nextToken: string | undefined } {
  const token = nextToken === undefined ? 'page:0' : Buffer.from(nextToken, 'base64').toString();
  const start = Number(/^page:(\d+)$/.exec(token)?.[1]);
  if (!Number.isInteger(start)) throw invalid(service, 'nextToken is not valid', 'nextToken');
  const end = start + (maxResults ?? limit);
  const items: T[] = [];
  let index = 0;
  // Not copied whole: a group of 100,000 things is read in 400 pages.
  for (const item of all) {
    if (index >= end) return { items, nextToken: Buffer.from(`page:${end}`).toString('base64') };
    if (index++ >= start) items.push(item);
  }
  return { items, nextToken: undefined };
}
