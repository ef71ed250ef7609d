import { Type, type Static } from '@sinclair/typebox';
import type { JsonObject } from '../../src/core/mod.js';

const strict = { additionalProperties: false } as const;
/** Edge Manager's EntityName. */
const EntityName = '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}';
/** AWS IoT's rule for names of things and thing groups. */
const IotName = '[a-zA-Z0-9:_-]';
/** Room for what a rollout puts behind a group's name. */
const GROUP_MAX_CHARS = 100;
/** Of a thing without a thing type. Source: AWS IoT Core quotas. */
const THING_MAX_ATTRIBUTES = 3;
/** One line: AWS IoT takes no line breaks in descriptions. */
const OneLine = String.raw`^[^\p{C}\p{Zl}\p{Zp}]*$`;

/** A device as RegisterDevices had it. */
export const FleetDeviceSchema = Type.Object(
  {
    name: Type.String({ pattern: `^${EntityName}$`, description: 'Device.DeviceName' }),
    description: Type.Optional(
      Type.String({ minLength: 1, maxLength: 40, pattern: OneLine, description: 'Device.Description' }),
    ),
    thingName: Type.Optional(
      Type.String({
        pattern: `^${IotName}{1,128}$`,
        description: "Device.IotThingName; default: the device's name",
      }),
    ),
    attributes: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-zA-Z0-9_.,@/:#-]{1,128}$' }),
        Type.String({ pattern: String.raw`^[a-zA-Z0-9_.,@/:#=\[\]-]{0,800}$` }),
        {
          additionalProperties: false,
          maxProperties: THING_MAX_ATTRIBUTES,
          description: 'Attributes of the thing where an apply creates it (RegisterDevices.Tags)',
        },
      ),
    ),
  },
  strict,
);
export type FleetDeviceEntry = Static<typeof FleetDeviceSchema>;

/** A name stands for a device without more. One schema of two types, so that a refusal names the key. */
const NamedDevice = Type.Unsafe<string | FleetDeviceEntry>({
  ...FleetDeviceSchema,
  type: ['string', 'object'],
  pattern: FleetDeviceSchema.properties.name.pattern,
});

const Output = Type.Object(
  {
    s3OutputLocation: Type.String({
      pattern: String.raw`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_.=+@/-]*)?$`,
      maxLength: 1024,
      description: 'EdgeOutputConfig.S3OutputLocation: bucket, and prefix of captured records',
    }),
    kmsKeyId: Type.Optional(
      Type.String({
        pattern: String.raw`^[a-zA-Z0-9:/_-]{1,2048}$`,
        description: 'EdgeOutputConfig.KmsKeyId: id, ARN or alias',
      }),
    ),
  },
  strict,
);

const Configuration = (description: string) =>
  Type.Optional(Type.Unsafe<JsonObject>(Type.Object({}, { description })));

/** A fleet as CreateDeviceFleet had it, with what its devices run with. */
export const FleetSchema = Type.Object(
  {
    thingGroup: Type.Optional(
      Type.String({
        pattern: `^(arn:aws[a-z-]*:iot:[a-z0-9-]+:[0-9]{12}:thinggroup/)?${IotName}{1,${GROUP_MAX_CHARS}}$`,
        description: "Name or ARN; default: the fleet's name. A group given by ARN must exist",
      }),
    ),
    description: Type.Optional(
      Type.String({ minLength: 1, maxLength: 800, pattern: OneLine, description: 'DeviceFleet.Description' }),
    ),
    roleAlias: Type.Optional(
      Type.String({
        pattern: String.raw`^(arn:aws[a-z-]*:iot:[a-z0-9-]+:[0-9]{12}:rolealias/)?[\w=,@-]{1,128}$`,
        description: 'DeviceFleet.IotRoleAlias: name or ARN of the role alias of the token exchange',
      }),
    ),
    roleArn: Type.Optional(
      Type.String({
        pattern: String.raw`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`,
        description: 'DeviceFleet.RoleArn: the role behind the role alias',
      }),
    ),
    output: Type.Optional(Output),
    artifactBucket: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
        description: 'Where publish puts component artifacts; devices get the right to read them',
      }),
    ),
    artifactComponents: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-zA-Z0-9_.-]{1,128}$' }), {
        maxItems: 50,
        description: 'Components beside org.edgemanager.* whose artifacts lie in that bucket',
      }),
    ),
    tags: Type.Optional(
      Type.Record(
        Type.String({ pattern: String.raw`^(?!aws:)[\p{L}\p{N}\s_.:/=+@-]{1,128}$` }),
        Type.String({ pattern: String.raw`^[\p{L}\p{N}\s_.:/=+@-]{0,256}$` }),
        {
          maxProperties: 40,
          additionalProperties: false,
          description: 'CreateDeviceFleet.Tags, on the thing group',
        },
      ),
    ),
    agent: Configuration('Configuration of org.edgemanager.AgentRuntime: docs/operations.md'),
    uploader: Configuration('Configuration of org.edgemanager.CaptureUploader: docs/upload.md'),
    createThings: Type.Optional(
      Type.Boolean({ description: 'Create things that do not exist. Default false' }),
    ),
    devices: Type.Optional(
      Type.Array(NamedDevice, {
        maxItems: 100_000,
        description: 'RegisterDevices.Devices: names, or objects',
      }),
    ),
    query: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'In place of devices: a fleet-index query whose things belong to the fleet',
      }),
    ),
  },
  strict,
);

/** The whole of fleets.yaml. docs/fleets.schema.json is this. */
export const FleetsFileSchema = Type.Object(
  {
    fleets: Type.Record(Type.String({ pattern: `^${EntityName}$` }), FleetSchema, {
      minProperties: 1,
      additionalProperties: false,
    }),
  },
  { ...strict, $schema: 'http://json-schema.org/draft-07/schema#', title: 'Fleets of Edge Manager' },
);
export type FleetsFile = Static<typeof FleetsFileSchema>;
export type FleetEntry = FleetsFile['fleets'][string];
