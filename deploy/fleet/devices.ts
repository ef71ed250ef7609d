import { HEARTBEAT_SHADOW, HeartbeatReport } from '../../src/contract/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import {
  readAs,
  type FleetIndex,
  type GroupRecord,
  type IndexedDevice,
  type Shadows,
  type ThingGroups,
} from '../cloud/fleet/mod.js';
import { groupNamed } from './describe.js';
import { inParallel } from './parallel.js';
import { thingsNamed } from './register.js';
import { REGISTRATION_SHADOW, registrationIn } from './registration.js';

/** DeviceSummary's counterpart. Times are ISO 8601; what nothing is known of is undefined. */
export interface DeviceSummary {
  readonly deviceName: string;
  readonly deviceArn: string;
  readonly description: string | undefined;
  readonly deviceFleetName: string;
  readonly iotThingName: string;
  readonly registrationTime: string | undefined;
  /** Undefined: fleet indexing is off, or does not know the device yet. */
  readonly connected: boolean | undefined;
  /** Since when it is connected, or isn't. */
  readonly connectivityTime: string | undefined;
  readonly latestHeartbeat: string | undefined;
  readonly agentVersion: string | undefined;
  readonly models: readonly DeviceModel[];
}

/** A model version on a device. */
export interface DeviceModel {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly state: string;
  readonly drifted: boolean;
  readonly latestInference: string | undefined;
  readonly latestSampleTime: string | undefined;
}

/** DescribeDevice's counterpart. */
export interface DeviceDescription extends DeviceSummary {
  /** The last heartbeat as the device sent it. */
  readonly heartbeat: HeartbeatReport | undefined;
}

export interface DeviceFilter {
  /** Only devices that report a version of this model. */
  readonly model?: string;
  /** Only devices whose last heartbeat is newer. */
  readonly heartbeatAfterMs?: number;
  /** At most so many; each costs a read of its registration. Default 100. */
  readonly limit?: number;
}

/** All of a filtered search is looked through, up to here. */
const MAX_SEARCHED = 100_000;

/** ListDevices' counterpart: from fleet indexing, or, where that is off, from each device's shadows. */
export async function listDevices(
  cloud: ThingGroups & FleetIndex & Shadows,
  group: string,
  filter: DeviceFilter = {},
): Promise<readonly DeviceSummary[]> {
  const record = await groupNamed(cloud, 'list the devices', group);
  const { limit = 100, model } = filter;
  const isIndexed = (await cloud.indexedFields()) !== undefined;
  const after = filter.heartbeatAfterMs;
  const matches = ({ heartbeat }: Known): boolean =>
    (model === undefined || heartbeat?.models.some((one) => one.name === model) === true) &&
    (after === undefined || (heartbeat?.sentAtMs ?? 0) > after);
  if (isIndexed) {
    const all = model === undefined && after === undefined ? limit : MAX_SEARCHED;
    const found = (await cloud.indexedDevices(`thingGroupNames:"${group}"`, all)).map(fromIndex);
    return inParallel(found.filter(matches).slice(0, limit), async (known) =>
      summaryOf(record, known, await cloud.reported(known.thing, REGISTRATION_SHADOW)),
    );
  }
  const things = (await cloud.thingsIn(group)).slice(0, limit);
  const read = await inParallel(things, async (thing) => ({
    known: { thing, index: undefined, heartbeat: await heartbeatOf(cloud, thing) },
    registration: await cloud.reported(thing, REGISTRATION_SHADOW),
  }));
  return read
    .filter(({ known }) => matches(known))
    .map(({ known, registration }) => summaryOf(record, known, registration));
}

/** @param name of device or thing @throws EdgeError NOT_FOUND where it is no member of the thing group */
export async function describeDevice(
  cloud: ThingGroups & FleetIndex & Shadows,
  group: string,
  name: string,
): Promise<DeviceDescription> {
  const [thing = name] = await thingsNamed(cloud, 'describe the device', group, [name]);
  const record = await groupNamed(cloud, 'describe the device', group);
  const isIndexed = (await cloud.indexedFields()) !== undefined;
  const [index] = isIndexed ? await cloud.indexedDevices(`thingName:"${thing}"`, 1) : [];
  const heartbeat = await heartbeatOf(cloud, thing);
  const registration = await cloud.reported(thing, REGISTRATION_SHADOW);
  return { ...summaryOf(record, { thing, index, heartbeat }, registration), heartbeat };
}

interface Known {
  readonly thing: string;
  readonly index: IndexedDevice | undefined;
  readonly heartbeat: HeartbeatReport | undefined;
}

function fromIndex(index: IndexedDevice): Known {
  return { thing: index.thing, index, heartbeat: readAs(HeartbeatReport, index.shadows[HEARTBEAT_SHADOW]) };
}

async function heartbeatOf(cloud: Shadows, thing: string): Promise<HeartbeatReport | undefined> {
  return readAs(HeartbeatReport, await cloud.reported(thing, HEARTBEAT_SHADOW));
}

function summaryOf(
  group: GroupRecord,
  { thing, index, heartbeat }: Known,
  reported: JsonObject | undefined,
): DeviceSummary {
  const registration = registrationIn(reported, group.name);
  return {
    deviceName: registration?.device ?? thing,
    deviceArn: group.arn.replace(/:thinggroup\/.*$/, `:thing/${thing}`),
    description: registration?.description,
    deviceFleetName: group.name,
    iotThingName: thing,
    registrationTime: isoTime(registration?.registeredAtMs),
    connected: index?.connected,
    connectivityTime: isoTime(index?.connectivityAtMs),
    latestHeartbeat: isoTime(heartbeat?.sentAtMs),
    agentVersion: heartbeat?.agentVersion,
    models: (heartbeat?.models ?? []).map((model) => ({
      modelName: model.name,
      modelVersion: model.version,
      state: model.state,
      drifted: model.drifted ?? false,
      latestInference: isoTime(model.lastInferenceMs),
      latestSampleTime: isoTime(model.lastSampleMs),
    })),
  };
}

/** 0 stands for "never", as the index has it for a device that was never connected. */
function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined || ms <= 0 ? undefined : new Date(ms).toISOString();
}
