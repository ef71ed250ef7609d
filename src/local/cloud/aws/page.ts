import { invalid, type ServiceName } from './errors.js';

/** One page of a list, with AWS's opaque token for the next one. */
export function page<T>(
  service: ServiceName,
  all: Iterable<T>,
  maxResults: number | undefined,
  nextToken: string | undefined,
  limit = 100,
): { items: readonly T[]; nextToken: string | undefined } {
  if (maxResults !== undefined && (maxResults < 1 || maxResults > 250)) {
    throw invalid(
      service,
      `maxResults must be between 1 and 250: current value is ${maxResults}`,
      'maxResults',
    );
  }
  const start = nextToken === undefined ? 0 : Number(Buffer.from(nextToken, 'base64').toString().slice(5));
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
