import { EdgeError } from '../../src/core/mod.js';
import { sha256 } from '../../src/system/mod.js';

/** How a stage picks devices, as Edge Manager's DeviceSelectionConfig had it. */
export type DeviceSelection =
  | { readonly deviceSubsetType: 'PERCENTAGE'; readonly percentage: number }
  | { readonly deviceSubsetType: 'SELECTION'; readonly deviceNames: readonly string[] }
  | { readonly deviceSubsetType: 'NAMECONTAINS'; readonly deviceNameContains: string };

export const MAX_STAGES = 10;

/**
 * Where a device stands in every percentage rollout of a fleet, in [0, 1): the hash of fleet and name, so that
 * the same devices come first each time, and other ones in another fleet.
 */
export function devicePosition(fleet: string, device: string): number {
  const { buffer, byteOffset, byteLength } = sha256(`${fleet}\0${device}`);
  return Buffer.from(buffer, byteOffset, byteLength).readUIntBE(0, 6) / 2 ** 48;
}

/**
 * The devices of each stage. A device belongs to the first stage that selects it. Percentages are of the whole
 * fleet and add to what stages before took: a stage of 10 % behind one of 1 % brings the rollout to 10 %.
 */
export function assignStages(
  fleet: string,
  devices: readonly string[],
  selections: readonly DeviceSelection[],
): readonly (readonly string[])[] {
  if (selections.length === 0 || selections.length > MAX_STAGES) {
    throw new EdgeError(
      'ROLLOUT_INVALID',
      `Cannot plan the rollout as it must have 1 to ${MAX_STAGES} stages: it has ${selections.length}`,
      { field: 'stages' },
    );
  }
  const known = new Set(devices);
  const taken = new Set<string>();
  const inOrder = devices
    .map((name) => ({ name, position: devicePosition(fleet, name) }))
    .sort((a, b) => a.position - b.position || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
  return selections.map((selection, index) => {
    const picked = pick(selection, inOrder, known, taken, `stages[${index}]`);
    for (const name of picked) taken.add(name);
    return picked;
  });
}

function pick(
  selection: DeviceSelection,
  inOrder: readonly string[],
  known: ReadonlySet<string>,
  taken: ReadonlySet<string>,
  field: string,
): readonly string[] {
  switch (selection.deviceSubsetType) {
    case 'PERCENTAGE': {
      const goal = Math.ceil((inOrder.length * selection.percentage) / 100);
      return inOrder.filter((name) => !taken.has(name)).slice(0, Math.max(0, goal - taken.size));
    }
    case 'SELECTION': {
      const missing = selection.deviceNames.filter((name) => !known.has(name));
      if (missing.length > 0) {
        throw new EdgeError(
          'DEVICE_NOT_FOUND',
          `Cannot plan ${field} as the fleet has no device ${missing.slice(0, 5).join(', ')}`,
          {
            field: `${field}.deviceNames`,
          },
        );
      }
      return selection.deviceNames.filter((name) => !taken.has(name));
    }
    case 'NAMECONTAINS':
      return inOrder.filter((name) => !taken.has(name) && name.includes(selection.deviceNameContains));
  }
}
