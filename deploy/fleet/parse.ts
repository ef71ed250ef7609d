import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { EdgeError, isJsonObject, toEdgeError, validate, type JsonObject } from '../../src/core/mod.js';
import { atPath, checkAgent, checkUploader } from './component-configuration.js';
import { FLEETS_NEXT_STEP, refused, type Fleet, type FleetDevice } from './fleet.js';
import {
  FleetDeviceSchema,
  FleetsFileSchema,
  isTagText,
  type FleetDeviceEntry,
  type FleetEntry,
} from './schema.js';

/** The agent's own default for what stands first in object keys. */
const DEFAULT_PREFIX = 'sme-capture';

/** Checks a fleets file as a whole; throws INVALID_ARGUMENT with the key and the next step. */
export function parseFleets(value: unknown): readonly Fleet[] {
  const file = checked(FleetsFileSchema, value, 'Cannot use the fleets file', FLEETS_NEXT_STEP);
  const fleets = Object.entries(file.fleets).map(([name, entry]) => readFleet(name, entry));
  checkDistinct(fleets);
  return fleets;
}

/** Devices of a command line: `name` or `name=thing`, checked as those of a file. */
export function parseDevices(
  texts: readonly string[],
  description: string | undefined,
): readonly FleetDevice[] {
  const devices = texts.map((text) => {
    const [name = '', thingName] = text.split('=');
    return {
      name,
      ...(thingName === undefined ? {} : { thingName }),
      ...(description === undefined ? {} : { description }),
    };
  });
  const next = 'Give name=thing: a device’s name has letters, digits and dashes, at most 63';
  const read = checked(Type.Array(FleetDeviceSchema), devices, 'Cannot read the devices', next).map(deviceOf);
  for (const key of ['name', 'thing'] as const) {
    if (new Set(read.map((device) => device[key])).size === read.length) continue;
    throw new EdgeError('FLEET_INVALID', `Cannot read the devices as a ${key} stands there twice`, {
      field: key,
    });
  }
  return read;
}

function checked<S extends TSchema>(schema: S, value: unknown, what: string, nextStep: string): Static<S> {
  try {
    return validate(schema, value, what);
  } catch (thrown) {
    const { reason, message, field } = toEdgeError(thrown);
    throw new EdgeError(reason, message, { field, nextStep, cause: thrown });
  }
}

function readFleet(name: string, entry: FleetEntry): Fleet {
  const path = `fleets.${name}`;
  if (entry.devices !== undefined && entry.query !== undefined) {
    throw refused(`${path}.query`, `'${path}' has both devices and a query: one of them says who belongs`);
  }
  const oddTag = Object.entries(entry.tags ?? {}).find((tag) => !tag.every(isTagText))?.[0];
  if (oddTag !== undefined) {
    throw refused(
      `${path}.tags.${oddTag}`,
      `'${path}.tags' must hold letters, digits, blanks and _.:/=+@- only, as AWS does: '${oddTag}' is otherwise`,
    );
  }
  const location = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(entry.output?.s3OutputLocation ?? '');
  const bucket = location?.[1];
  const prefix = location?.[2] ?? '';
  const agent = readAgent(name, entry.agent, prefix);
  const uploader = readUploader(name, entry, bucket);
  const to = bucket ?? textOf(uploader?.configuration['bucket']);
  const capture = agent.configuration['capture'];
  const group = entry.thingGroup ?? name;
  return {
    name,
    group: group.slice(group.indexOf('/') + 1),
    groupArn: group.startsWith('arn:') ? group : undefined,
    description: entry.description ?? '',
    roleAlias: entry.roleAlias?.slice(entry.roleAlias.indexOf('/') + 1),
    roleArn: entry.roleArn,
    output:
      to === undefined
        ? undefined
        : {
            bucket: to,
            prefix: textOf(isJsonObject(capture) ? capture['folderPrefix'] : undefined) ?? DEFAULT_PREFIX,
            kmsKeyId: textOf(uploader?.configuration['kmsKeyId']),
          },
    artifactBucket: entry.artifactBucket,
    artifactComponents: entry.artifactComponents ?? [],
    tags: entry.tags ?? {},
    trust: entry.trust ?? [],
    agent: agent.configuration,
    uploader: uploader?.configuration,
    createThings: entry.createThings ?? false,
    devices: readDevices(path, entry),
    query: entry.query,
    warnings: [agent.warning].flatMap((one) => (one === undefined ? [] : [`${path}.agent: ${one}`])),
  };
}

/** The fleet whose devices accept what these keys have signed, too. */
export function trusting(fleet: Fleet, keys: readonly string[]): Fleet {
  const agent = fleet.agent ?? {};
  const signature = isJsonObject(agent['signature']) ? agent['signature'] : {};
  const given = Array.isArray(signature['trustedKeys']) ? signature['trustedKeys'] : [];
  const trustedKeys = [...new Set([...given, ...keys])];
  const whole = { ...agent, signature: { ...signature, trustedKeys } };
  atPath(`fleets.${fleet.name}.trust`, () => checkAgent(whole));
  return { ...fleet, agent: whole };
}

function readAgent(
  fleet: string,
  given: JsonObject | undefined,
  prefix: string,
): ReturnType<typeof checkAgent> {
  const path = `fleets.${fleet}.agent`;
  const { configuration, warning } = atPath(path, () => checkAgent(given ?? {}));
  if (configuration['deviceName'] !== undefined) {
    throw refused(
      `${path}.deviceName`,
      `'${path}.deviceName' would give all devices of the fleet one name`,
      'Take it out: a device has the name of its thing',
    );
  }
  mustAgree(`${path}.fleet`, configuration['fleet'], fleet);
  const capture = isJsonObject(configuration['capture']) ? configuration['capture'] : {};
  mustAgree(`${path}.capture.folderPrefix`, capture['folderPrefix'], prefix === '' ? undefined : prefix);
  const merged = prefix === '' ? capture : { ...capture, folderPrefix: prefix };
  const whole = {
    ...configuration,
    fleet,
    ...(Object.keys(merged).length === 0 ? {} : { capture: merged }),
  };
  // What the output brings in is read as the agent will read it.
  return { configuration: whole, warning: warning ?? atPath(path, () => checkAgent(whole)).warning };
}

function readUploader(
  fleet: string,
  entry: FleetEntry,
  bucket: string | undefined,
): ReturnType<typeof checkUploader> | undefined {
  if (entry.uploader === undefined && bucket === undefined) return undefined;
  const path = `fleets.${fleet}.uploader`;
  const said = { bucket, kmsKeyId: entry.output?.kmsKeyId };
  // As Edge Manager's key, below the component's own keys and aliases: so that a difference shows.
  const under: JsonObject = {
    ...(said.bucket === undefined ? {} : { BucketName: said.bucket }),
    ...(said.kmsKeyId === undefined ? {} : { kmsKeyId: said.kmsKeyId }),
  };
  const checkedUploader = atPath(path, () => checkUploader({ ...under, ...entry.uploader }));
  for (const [key, value] of Object.entries(said))
    mustAgree(`${path}.${key}`, checkedUploader.configuration[key], value);
  return checkedUploader;
}

/** What the fleet says in one place may stand in the component's configuration too, but not differ. */
function mustAgree(field: string, value: unknown, wanted: unknown): void {
  if (value === undefined || wanted === undefined || value === wanted) return;
  throw refused(
    field,
    `'${field}' must be what the fleet says (${JSON.stringify(wanted)}): current value is ${JSON.stringify(value)}`,
    'Take it out of the configuration: the fleet’s own keys set it',
  );
}

function readDevices(path: string, entry: FleetEntry): readonly FleetDevice[] {
  const devices = (entry.devices ?? []).map(deviceOf);
  for (const key of ['name', 'thing'] as const) {
    const seen = new Map<string, number>();
    for (const [index, device] of devices.entries()) {
      const first = seen.get(device[key]);
      if (first !== undefined) {
        const field = `${path}.devices[${index}]`;
        throw refused(field, `'${field}' names ${device[key]}, as '${path}.devices[${first}]' does`);
      }
      seen.set(device[key], index);
    }
  }
  return devices;
}

function deviceOf(given: string | FleetDeviceEntry): FleetDevice {
  const one = typeof given === 'string' ? { name: given } : given;
  return {
    name: one.name,
    thing: one.thingName ?? one.name,
    description: one.description,
    attributes: one.attributes ?? {},
  };
}

/** An agent reports to one fleet, and a thing group is one fleet's. */
function checkDistinct(fleets: readonly Fleet[]): void {
  const groups = new Map<string, string>();
  const things = new Map<string, string>();
  const claim = (of: Map<string, string>, key: string, fleet: string, what: string): void => {
    const other = of.get(key);
    if (other !== undefined)
      throw refused(`fleets.${fleet}`, `the fleets ${other} and ${fleet} share the ${what} ${key}`);
    of.set(key, fleet);
  };
  for (const fleet of fleets) {
    claim(groups, fleet.group, fleet.name, 'thing group');
    for (const device of fleet.devices) claim(things, device.thing, fleet.name, 'thing');
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
