import type { Static, TObject } from '@sinclair/typebox';
import { EdgeError, isJsonObject, validate, type JsonObject } from '../../core/mod.js';
import { aliasOf, isFormerKey, withFormer, type Aliases } from './former-keys.js';
import { coerce, withDefaults, withoutBlanks } from './lenient.js';

/** What a component takes as its configuration. */
export interface ConfigurationSpec<S extends TObject> {
  /** Its own keys, with their defaults. */
  readonly schema: S;
  /** Keys of SageMaker Edge Manager that have a counterpart here; the others have no effect. */
  readonly aliases: Aliases;
  /** What the schema cannot say. Throws an EdgeError that names the key. */
  readonly checkTogether?: (configuration: Static<S>) => void;
}

export interface Parsed<T> {
  readonly configuration: T;
  /** What was given, by our own keys: without defaults, blanks, and what has no effect. */
  readonly given: JsonObject;
  /** One sentence for the log, where former keys have no effect here. */
  readonly warning?: string;
}

/** Keys that Greengrass keeps beside ours. */
const FOREIGN: ReadonlySet<string> = new Set(['accessControl']);

/**
 * Reads a component's effective configuration as a whole: former keys by their aliases, values leniently, `''` and
 * null as "not set", since a merge cannot take a key away. A value of ours goes before its alias.
 * @throws EdgeError CONFIGURATION_INVALID or FIELD_INVALID that names the key
 */
export function parseComponentConfiguration<S extends TObject>(
  spec: ConfigurationSpec<S>,
  raw: unknown,
): Parsed<Static<S>> {
  const what = 'Cannot read the configuration';
  const { schema, aliases, checkTogether } = spec;
  const all = raw ?? {};
  if (!isJsonObject(all)) throw new EdgeError('CONFIGURATION_INVALID', `${what} as it must be an object`);
  const { own, former, ignored } = sorted(all, aliases);
  const given = lenient(schema, withFormer(lenient(schema, own), former, aliases));
  const configuration = validate(schema, withDefaults(schema, given), what);
  checkTogether?.(configuration);
  if (ignored.length === 0) return { configuration, given };
  const warning = `These keys of SageMaker Edge Manager have no effect here: ${ignored.toSorted().join(', ')}`;
  return { configuration, given, warning };
}

function lenient(schema: TObject, value: JsonObject): JsonObject {
  return withoutBlanks(schema, coerce(schema, value)) as JsonObject;
}

/** Unknown keys count as own: validation names them. */
function sorted(all: JsonObject, aliases: Aliases) {
  const own: JsonObject = {};
  const former: JsonObject = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(all)) {
    if (FOREIGN.has(key)) continue;
    if (aliasOf(aliases, key) !== undefined) former[key] = value;
    else if (isFormerKey(key)) ignored.push(key);
    else own[key] = value;
  }
  return { own, former, ignored };
}
