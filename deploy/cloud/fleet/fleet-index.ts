import { EdgeError, type JsonObject } from '../../../src/core/mod.js';

export interface IndexedThing {
  readonly name: string;
  readonly connected: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A thing as fleet indexing has it. */
export interface IndexedDevice {
  readonly thing: string;
  readonly connected: boolean;
  /** Since when it is connected, or isn't. */
  readonly connectivityAtMs: number | undefined;
  readonly groups: readonly string[];
  /** `state.reported` of the indexed named shadows. */
  readonly shadows: Readonly<Record<string, JsonObject>>;
}

/** A text as a query of the fleet index has it. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** What the index says; nothing in an account that has none, or where the caller has no right to it. */
export async function whereIndexed<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await look();
  } catch (thrown) {
    const isAbsent = thrown instanceof EdgeError && ['INDEXING_OFF', 'AWS_DENIED'].includes(thrown.reason);
    if (isAbsent) return [];
    throw thrown;
  }
}

/** Fleet indexing: which fields it has, and what it says of the things that match a query. */
export interface FleetIndex {
  /** Custom fields of the thing index; undefined while indexing is off. */
  indexedFields(): Promise<readonly string[] | undefined>;
  /** Adds to what the account indexes already: nothing of others is taken away. */
  indexFields(
    names: readonly { readonly name: string; readonly type: 'String' | 'Number' }[],
    shadow: string,
  ): Promise<void>;
  count(query: string): Promise<number>;
  /** Of a number field, over the things that have it; undefined where none has. */
  sum(query: string, field: string): Promise<number | undefined>;
  buckets(
    query: string,
    field: string,
    max: number,
  ): Promise<readonly { readonly key: string; readonly count: number }[]>;
  percentiles(
    query: string,
    field: string,
    percents: readonly number[],
  ): Promise<readonly { readonly percent: number; readonly value: number }[]>;
  search(query: string, limit: number): Promise<readonly IndexedThing[]>;
  /** Things that match, at most `limit`. */
  indexedDevices(query: string, limit: number): Promise<readonly IndexedDevice[]>;
}
