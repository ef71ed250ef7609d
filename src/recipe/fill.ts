import { isJsonObject, type Json, type JsonObject } from '../core/mod.js';

/**
 * A recipe as its author wrote it, with another version and other artifact URIs.
 * @param uriOf the URI in place of one that is written
 */
export function fillRecipe(
  document: JsonObject,
  version: string,
  uriOf: (written: string) => string,
): JsonObject {
  return mapped(document, {
    componentversion: () => version,
    manifests: (manifests) =>
      each(manifests, (manifest) =>
        mapped(manifest, {
          artifacts: (artifacts) =>
            each(artifacts, (artifact) =>
              mapped(artifact, {
                uri: (written) => (typeof written === 'string' ? uriOf(written) : written),
              }),
            ),
        }),
      ),
  });
}

/** Values by their keys in small letters. */
function mapped(object: JsonObject, change: Readonly<Record<string, (value: Json) => Json>>): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      const lower = key.toLowerCase();
      return [key, Object.hasOwn(change, lower) ? (change[lower]?.(value) ?? value) : value];
    }),
  );
}

function each(list: Json, change: (item: JsonObject) => JsonObject): Json {
  return Array.isArray(list) ? list.map((item) => (isJsonObject(item) ? change(item) : item)) : list;
}
