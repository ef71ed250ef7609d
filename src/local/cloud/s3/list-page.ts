import { compareKeys } from './key-order.js';

export interface PageRequest<T> {
  readonly prefix: string;
  readonly delimiter: string;
  /** The last key or common prefix of the page before. */
  readonly after: string;
  readonly maxKeys: number;
  /** Which items lie behind the page before. Default: those with a key behind `after`. */
  readonly isBehind?: (item: T) => boolean;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly commonPrefixes: readonly string[];
  /** The last key or common prefix of this page; undefined where no other page follows. */
  readonly next: string | undefined;
}

/** One page of what is sorted by key; a common prefix counts as one. */
export function pageOf<T extends { readonly key: string }>(
  all: readonly T[],
  request: PageRequest<T>,
): Page<T> {
  const { prefix, delimiter, after, maxKeys } = request;
  const items: T[] = [];
  const commonPrefixes: string[] = [];
  let last = after;
  for (let index = firstOf(all, request); index < all.length; index++) {
    const item = all[index];
    if (item === undefined || !item.key.startsWith(prefix)) break;
    const common = commonPrefixOf(item.key, prefix, delimiter);
    // A page that ended with a common prefix names it as its last: its keys were told by it.
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === after)) continue;
    if (items.length + commonPrefixes.length === maxKeys)
      return { items, commonPrefixes, next: maxKeys === 0 ? undefined : last };
    if (common === undefined) items.push(item);
    else commonPrefixes.push(common);
    last = common ?? item.key;
  }
  return { items, commonPrefixes, next: undefined };
}

/** What a key is listed as where a delimiter cuts it; undefined: as itself. */
function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/** The first place that lies behind the page before, and not before the prefix, by halves. */
function firstOf<T extends { readonly key: string }>(all: readonly T[], request: PageRequest<T>): number {
  const { after, prefix } = request;
  const isBehind = request.isBehind ?? (({ key }: T) => after === '' || compareKeys(key, after) > 0);
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = all[middle];
    if (item !== undefined && isBehind(item) && compareKeys(item.key, prefix) >= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
