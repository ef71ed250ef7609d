import { EdgeError, isJsonObject, toEdgeError, type JsonObject } from '../../src/core/mod.js';
import { checkAgent, checkUploader } from './component-configuration.js';
import { hasCounterpart, isFormerKey, reasonAgainst } from './former-keys.js';
import type { FleetDeviceEntry, FleetEntry } from './schema.js';

/** What a document has that the fleets file can't say. */
export interface WithoutCounterpart {
  readonly source: string;
  readonly key: string;
  readonly reason: string;
}

/** What one document says of one fleet. */
export interface ImportedPart {
  readonly source: string;
  readonly fleet: string;
  readonly entry: Omit<FleetEntry, 'devices'>;
  readonly devices: readonly FleetDeviceEntry[];
  /** The agent's own word on where records go stands above the fleet's. */
  readonly isAgent: boolean;
  readonly without: readonly WithoutCounterpart[];
}

/** An answer or request of Edge Manager's API, or a configuration of its agent, as parts of fleets. */
export function readFormer(source: string, value: unknown): readonly ImportedPart[] {
  if (isJsonObject(value)) {
    if (isJsonObject(value['OutputConfig']) && typeof value['DeviceFleetName'] === 'string')
      return [readDeviceFleet(source, value, value['DeviceFleetName'])];
    const list = value['DeviceSummaries'] ?? value['Devices'];
    if (Array.isArray(list)) {
      checkWhole(source, value);
      return readDeviceList(source, list, textOf(value, 'DeviceFleetName'));
    }
    if (textOf(value, 'DeviceName') !== undefined) return readDeviceList(source, [value], undefined);
    if (Object.keys(value).some(isFormerKey)) return [readAgentFile(source, value)];
  }
  throw new EdgeError(
    'FLEET_INVALID',
    `Cannot import ${source} as it is nothing of Edge Manager that is known here`,
    {
      nextStep:
        'Give the JSON of DescribeDeviceFleet, ListDevices or DescribeDevice, or an agent configuration file',
    },
  );
}

const FLEET_REASONS: Readonly<Record<string, string>> = {
  DeviceFleetArn: 'the thing group has an ARN of its own',
  CreationTime: 'the thing group has one of its own',
  LastModifiedTime: 'the fleets file has a history where it is kept',
  PresetDeploymentType: 'edge-manager package always makes a Greengrass v2 component',
  PresetDeploymentConfig: 'name and version of a component stand in model.yaml of edge-manager package',
};
const FLEET_KEYS = new Set([
  'DeviceFleetName',
  'Description',
  'RoleArn',
  'IotRoleAlias',
  'EnableIotRoleAlias',
  'OutputConfig',
  'Tags',
  'S3OutputLocation',
  'KmsKeyId',
  // Of the SDK, not of the answer.
  'ResponseMetadata',
  '$metadata',
]);

function readDeviceFleet(source: string, value: JsonObject, fleet: string): ImportedPart {
  const output = isJsonObject(value['OutputConfig']) ? value['OutputConfig'] : {};
  const location = textOf(output, 'S3OutputLocation');
  const alias =
    textOf(value, 'IotRoleAlias') ??
    (value['EnableIotRoleAlias'] === true ? `SageMakerEdge-${fleet}` : undefined);
  const tags = Array.isArray(value['Tags']) ? value['Tags'].filter(isJsonObject) : [];
  const without = [...Object.keys(value), ...Object.keys(output)]
    .filter((key) => !FLEET_KEYS.has(key))
    .map((key) => ({ source, key, reason: FLEET_REASONS[key] ?? 'it is state, not configuration' }));
  return {
    source,
    fleet,
    entry: {
      ...optional('description', textOf(value, 'Description')),
      ...optional('roleAlias', alias),
      ...optional('roleArn', textOf(value, 'RoleArn')),
      ...(location === undefined
        ? {}
        : { output: { s3OutputLocation: location, ...optional('kmsKeyId', textOf(output, 'KmsKeyId')) } }),
      ...(tags.length === 0
        ? {}
        : {
            tags: Object.fromEntries(
              tags.map((tag) => [textOf(tag, 'Key') ?? '', textOf(tag, 'Value') ?? '']),
            ),
          }),
    },
    devices: [],
    isAgent: false,
    without,
  };
}

function checkWhole(source: string, value: JsonObject): void {
  if (textOf(value, 'NextToken') === undefined) return;
  throw new EdgeError('FLEET_INVALID', `Cannot import ${source} as it is one page of a longer list`, {
    field: 'NextToken',
    nextStep: 'Put the devices of all pages into one list, without NextToken',
  });
}

const DEVICE_KEYS = new Set(['DeviceName', 'Description', 'IotThingName', 'DeviceFleetName']);

function readDeviceList(
  source: string,
  list: readonly unknown[],
  fleetName: string | undefined,
): readonly ImportedPart[] {
  return list.filter(isJsonObject).map((one, index): ImportedPart => {
    const fleet = textOf(one, 'DeviceFleetName') ?? fleetName;
    const name = textOf(one, 'DeviceName');
    if (fleet === undefined || name === undefined) {
      const key = name === undefined ? 'DeviceName' : 'DeviceFleetName';
      throw new EdgeError('FLEET_INVALID', `Cannot import ${source} as device ${index} has no ${key}`, {
        field: key,
        nextStep: 'Give the answer as AWS gave it',
      });
    }
    const thing = textOf(one, 'IotThingName');
    const device: FleetDeviceEntry = {
      name,
      ...optional('description', textOf(one, 'Description')),
      ...(thing === undefined || thing === name ? {} : { thingName: thing }),
    };
    const state = Object.keys(one).filter((key) => !DEVICE_KEYS.has(key));
    // The same for each device: said once.
    const without =
      index === 0
        ? state.map((key) => ({ source, key, reason: 'it is state: edge-manager device describe' }))
        : [];
    return { source, fleet, entry: {}, devices: [device], isAgent: false, without };
  });
}

function readAgentFile(source: string, value: JsonObject): ImportedPart {
  const keys = Object.keys(value).filter((key) => key !== 'accessControl');
  const without = keys
    .filter((key) => !hasCounterpart(key))
    .map((key) => ({ source, key, reason: reasonAgainst(key) }));
  const known: JsonObject = Object.fromEntries(
    Object.entries(value).filter(([key, part]) => hasCounterpart(key) && part !== '' && part !== null),
  );
  const { fleet, deviceName, capture, ...agent } = of(source, () => checkAgent(known).configuration);
  if (typeof fleet !== 'string') {
    throw new EdgeError('FLEET_INVALID', `Cannot import ${source} as it names no fleet`, {
      nextStep: 'Add sagemaker_edge_core_device_fleet_name, or DeviceFleetName, to it',
    });
  }
  const { folderPrefix, ...captureRest } = isJsonObject(capture) ? capture : {};
  const { bucket, ...uploader } = of(source, () => checkUploader(withDestination(known)).configuration);
  const alias = /role-aliases\/([^/]+)\/credentials/.exec(
    textOf(known, 'sagemaker_edge_provider_aws_iot_cred_endpoint') ?? '',
  )?.[1];
  const prefix = typeof folderPrefix === 'string' ? folderPrefix.replaceAll(/^\/+|\/+$/g, '') : '';
  const ownAgent: JsonObject = {
    ...agent,
    ...(Object.keys(captureRest).length === 0 ? {} : { capture: captureRest }),
  };
  const thing = textOf(known, 'sagemaker_edge_core_iot_thing_name');
  return {
    source,
    fleet,
    entry: {
      ...optional('roleAlias', alias),
      ...(typeof bucket === 'string'
        ? { output: { s3OutputLocation: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}` } }
        : {}),
      ...(Object.keys(ownAgent).length === 0 ? {} : { agent: ownAgent }),
      ...(Object.keys(uploader).length === 0 ? {} : { uploader }),
    },
    devices:
      typeof deviceName === 'string'
        ? [{ name: deviceName, ...(thing === undefined || thing === deviceName ? {} : { thingName: thing }) }]
        : [],
    isAgent: true,
    without,
  };
}

/** The bare agent's default is Disk, that of its Greengrass component Cloud, as here. */
function withDestination(known: JsonObject): JsonObject {
  const isBare = Object.keys(known).some((key) => key.startsWith('sagemaker_edge_'));
  const says =
    known['sagemaker_edge_core_capture_data_destination'] !== undefined ||
    known['CaptureDataDestination'] !== undefined;
  return isBare && !says ? { ...known, destination: 'Disk' } : known;
}

function of<T>(source: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    const { message, field, nextStep } = toEdgeError(thrown);
    const reason = message.replace(/^Cannot read the configuration /, '');
    throw new EdgeError('FLEET_INVALID', `Cannot import ${source} ${reason}`, {
      field,
      nextStep: nextStep ?? 'Correct the value in the file, or take the key out',
      cause: thrown,
    });
  }
}

function textOf(value: JsonObject, key: string): string | undefined {
  const part = value[key];
  return typeof part === 'string' && part !== '' ? part : undefined;
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}
