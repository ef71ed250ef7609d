import { fromAws, isMissing } from './errors.js';

/** @param needed the permission, where the service's refusal does not name it */
export async function doing<T>(action: string, call: () => Promise<T>, needed?: string): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromAws(action, error, needed);
  }
}

export async function orMissing<T>(
  action: string,
  call: () => Promise<T>,
  needed?: string,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fromAws(action, error, needed);
  }
}

/** All items of a paged list, at most `limit`. */
export async function paged<Page extends { readonly nextToken?: string | undefined }, Item>(
  call: (nextToken: string | undefined, missing: number) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
  limit = Infinity,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let nextToken: string | undefined;
  do {
    const page = await call(nextToken, limit - items.length);
    items.push(...itemsOf(page));
    nextToken = page.nextToken;
  } while (nextToken !== undefined && items.length < limit);
  return limit === Infinity ? items : items.slice(0, limit);
}
