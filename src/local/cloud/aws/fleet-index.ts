import { isJsonObject, type Json } from '../../../core/mod.js';
import type { Shadows } from './shadows.js';
import type { Thing, ThingRegistry } from './things.js';
import { parseQuery, type Fields } from './query.js';

type FieldReader = (thing: Thing) => ReturnType<Fields>;

/** Fleet indexing over registry, named shadows and connectivity; up to date at once, which AWS's is after seconds. */
export class FleetIndex {
  readonly #registry: ThingRegistry;
  readonly #shadows: Shadows;
  readonly #readers = new Map<string, FieldReader>();

  constructor(registry: ThingRegistry, shadows: Shadows) {
    this.#registry = registry;
    this.#shadows = shadows;
  }

  search(queryString: string): readonly Thing[] {
    const query = parseQuery(queryString);
    return [...this.#registry.things.values()].filter((thing) => query(this.#fields(thing)));
  }

  /** The field's value in each thing that matches and has one. */
  values(queryString: string, field: string): readonly (string | number | boolean)[] {
    const values: (string | number | boolean)[] = [];
    for (const thing of this.search(queryString)) {
      const value = this.#fields(thing)(field);
      if (Array.isArray(value)) values.push(...(value as string[]));
      else if (value !== undefined) values.push(value as string | number | boolean);
    }
    return values;
  }

  buckets(
    queryString: string,
    field: string,
    max: number,
  ): { total: number; buckets: { keyValue: string; count: number }[] } {
    const counts = new Map<string, number>();
    const values = this.values(queryString, field);
    for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    const buckets = [...counts]
      .map(([keyValue, count]) => ({ keyValue, count }))
      .sort((a, b) => b.count - a.count || (a.keyValue < b.keyValue ? -1 : 1));
    return { total: values.length, buckets: buckets.slice(0, max) };
  }

  /** A thing as SearchIndex gives it. */
  document(thing: Thing): Record<string, unknown> {
    const names = this.#shadows.namesOf(thing.name);
    const shadow = Object.fromEntries(
      names.map((name) => [name, { reported: this.#shadows.reported(thing.name, name), hasDelta: false }]),
    );
    return {
      thingName: thing.name,
      thingId: thing.name,
      thingGroupNames: [...thing.groups],
      attributes: thing.attributes,
      ...(names.length === 0 ? {} : { shadow: JSON.stringify({ name: shadow }) }),
      connectivity: {
        connected: thing.connectedSinceMs !== undefined,
        timestamp: thing.connectedSinceMs ?? thing.disconnectedAtMs ?? 0,
      },
    };
  }

  #fields(thing: Thing): Fields {
    return (field) => this.#reader(field)(thing);
  }

  /** How a field is read off a thing, found once per field rather than once per thing. */
  #reader(field: string): FieldReader {
    const known = this.#readers.get(field);
    if (known !== undefined) return known;
    const made = this.#makeReader(field);
    this.#readers.set(field, made);
    return made;
  }

  #makeReader(field: string): FieldReader {
    if (field === 'thingName') return (thing) => thing.name;
    if (field === 'thingGroupNames') return (thing) => [...thing.groups];
    if (field === 'connectivity.connected') return (thing) => thing.connectedSinceMs !== undefined;
    if (field === 'connectivity.timestamp')
      return (thing) => thing.connectedSinceMs ?? thing.disconnectedAtMs ?? 0;
    if (field.startsWith('attributes.'))
      return (thing) => thing.attributes[field.slice('attributes.'.length)];
    const [, shadow, path] = /^shadow\.name\.([^.]+)\.reported\.(.+)$/.exec(field) ?? [];
    if (shadow === undefined || path === undefined) return () => undefined;
    const parts = path.split('.');
    return (thing) => scalar(at(this.#shadows.reported(thing.name, shadow), parts));
  }
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let current = value;
  for (const part of path) current = isJsonObject(current) ? current[part] : undefined;
  return current;
}

function scalar(value: Json | undefined): string | number | boolean | undefined {
  return typeof value === 'object' || value === undefined ? undefined : value;
}
