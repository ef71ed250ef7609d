import { stringify } from 'yaml';
import { canonicalJson, EdgeError, isJsonObject, type JsonObject } from '../../src/core/mod.js';
import { readFormer, type ImportedPart, type WithoutCounterpart } from './import-documents.js';
import { parseFleets } from './parse.js';
import type { FleetDeviceEntry, FleetEntry, FleetsFile } from './schema.js';

/** A document of Edge Manager's, by the name that errors and notes call it by. */
export interface FormerDocument {
  readonly source: string;
  readonly value: unknown;
}

export interface ImportedFleets {
  /** Checked: what `parseFleets` takes. */
  readonly file: FleetsFile;
  readonly without: readonly WithoutCounterpart[];
}

/**
 * The fleets file that says what Edge Manager's documents say. Documents of one fleet are put together: the
 * agent's own word on bucket and prefix stands above the fleet's, else the first document's.
 * @throws EdgeError INVALID_ARGUMENT with the document
 */
export function importFleets(documents: readonly FormerDocument[]): ImportedFleets {
  const parts = documents.flatMap(({ source, value }) => readFormer(source, value));
  if (parts.length === 0) {
    throw new EdgeError('FLEET_INVALID', 'Cannot import fleets as the documents name none', {
      nextStep: 'Give the JSON of DescribeDeviceFleet, or an agent configuration file',
    });
  }
  // Stable: within both kinds the given order stays.
  const inOrder = [...parts.filter((part) => part.isAgent), ...parts.filter((part) => !part.isAgent)];
  const without = parts.flatMap((part) => part.without);
  const fleets: Record<string, FleetEntry> = {};
  for (const name of new Set(parts.map((part) => part.fleet)))
    fleets[name] = combine(
      inOrder.filter((part) => part.fleet === name),
      without,
    );
  const file: FleetsFile = { fleets };
  parseFleets(file);
  return { file, without };
}

/** The file as YAML; what has no counterpart stands above as comments. */
export function fleetsYaml({ file, without }: ImportedFleets): string {
  // Keys and values are others': a line break in one would end the comment.
  const notes = without.map(({ source, key, reason }) =>
    `# - ${key} (${source}): ${reason}`.replaceAll(/\s+/g, ' '),
  );
  const head = [
    '# Fleets of Edge Manager: docs/fleets.md has every key.',
    ...(notes.length === 0 ? [] : ['# Without counterpart here:', ...notes]),
  ];
  return `${head.join('\n')}\n${stringify(file, { lineWidth: 110 })}`;
}

function combine(parts: readonly ImportedPart[], without: WithoutCounterpart[]): FleetEntry {
  const merged: JsonObject = {};
  for (const { source, entry } of parts) addMissing(merged, entry as JsonObject, '', source, without);
  const devices = devicesOf(parts);
  return {
    ...(merged as FleetEntry),
    ...(devices.length === 0 ? {} : { devices }),
  };
}

/** Adds what is not there; what is there and differs is told. */
function addMissing(
  into: JsonObject,
  from: JsonObject,
  path: string,
  source: string,
  without: WithoutCounterpart[],
): void {
  for (const [key, value] of Object.entries(from)) {
    const former = Object.hasOwn(into, key) ? into[key] : undefined;
    const field = path === '' ? key : `${path}.${key}`;
    if (former === undefined) into[key] = structuredClone(value);
    else if (isJsonObject(former) && isJsonObject(value)) addMissing(former, value, field, source, without);
    else if (canonicalJson(former) !== canonicalJson(value)) {
      const shown = [value, former].map((one) => JSON.stringify(one));
      without.push({
        source,
        key: field,
        reason: `it says ${shown[0]} where another document of the fleet says ${shown[1]}, which was kept`,
      });
    }
  }
}

function devicesOf(parts: readonly ImportedPart[]): NonNullable<FleetEntry['devices']> {
  const byName = new Map<string, FleetDeviceEntry>();
  for (const device of parts.flatMap((part) => part.devices))
    byName.set(device.name, { ...byName.get(device.name), ...device });
  return [...byName.values()].map((device) => (Object.keys(device).length === 1 ? device.name : device));
}
