import { MAX_MESSAGE_BYTES } from '../../contract/mod.js';
import { EdgeError } from '../../core/mod.js';

/** Room for the envelope and the reply's other fields. */
const PAGE_BYTES = MAX_MESSAGE_BYTES - 1500;

/**
 * As many items after the cursor as fit into one message. A cursor is the key of the last item of the page
 * before, so that items that come and go between two pages shift nothing.
 * @param items ordered by key
 */
export function pageOf<T>(
  items: readonly { readonly key: string; readonly item: T }[],
  cursor: string | undefined,
): { items: readonly T[]; next: string | undefined } {
  const after = cursor === undefined ? undefined : decode(cursor);
  const rest = after === undefined ? items : items.filter(({ key }) => key > after);
  const page: T[] = [];
  let bytes = 0;
  let last: string | undefined;
  for (const { key, item } of rest) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (page.length > 0 && bytes > PAGE_BYTES) return { items: page, next: encode(last ?? '') };
    page.push(item);
    last = key;
  }
  return { items: page, next: undefined };
}

function encode(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function decode(cursor: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) {
    throw new EdgeError(
      'CURSOR_UNKNOWN',
      "Cannot read the next page as 'cursor' must be one that a reply gave",
      {
        field: 'cursor',
      },
    );
  }
  return Buffer.from(cursor, 'base64url').toString('utf8');
}
