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
// Patterns are written so that readers in every language take them alike: no \p, \s, \w or \d.

/** One line: AWS IoT takes no line breaks in descriptions, nor controls and characters that nobody sees. */
const OneLine = String.raw`^[^\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$`;
/** Letters, digits, blanks and `_.:/=+@-` of a tag: what of ASCII is none of them. {@link isTagText} says it exactly. */
const NotInTags = String.raw`[^\x00-\x08\x0e-\x1f!"#$%&'()*,;<>?\[\\\]^\x60{|}~\x7f-\x9f]`;

/** Whether AWS takes this text in a tag: letters and digits of all languages, which no portable pattern tells. */
export function isTagText(text: string): boolean {
  return /^[\p{L}\p{N}\s_.:/=+@-]*$/u.test(text);
}

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

/** A name stands for a device without more. "If it is none of these" rather than a union: a refusal then names the key. */
const NamedDevice = Type.Unsafe<string | FleetDeviceEntry>({
  allOf: [
    { if: { type: 'string' }, else: FleetDeviceSchema },
    { if: { type: 'object' }, else: FleetDeviceSchema.properties.name },
  ],
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
        pattern: String.raw`^(arn:aws[a-z-]*:iot:[a-z0-9-]+:[0-9]{12}:rolealias/)?[A-Za-z0-9_=,@-]{1,128}$`,
        description: 'DeviceFleet.IotRoleAlias: name or ARN of the role alias of the token exchange',
      }),
    ),
    roleArn: Type.Optional(
      Type.String({
        pattern: String.raw`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`,
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
        Type.String({ pattern: `^(?!aws:)${NotInTags}{1,128}$` }),
        Type.String({ pattern: `^${NotInTags}{0,256}$` }),
        {
          maxProperties: 40,
          additionalProperties: false,
          description: 'CreateDeviceFleet.Tags, on the thing group',
        },
      ),
    ),
    trust: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
        maxItems: 16,
        description:
          "Files with a public key or certificate in PEM, by the fleets file's folder: become the agent's signature.trustedKeys",
      }),
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
  {
    ...strict,
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:edgemanager:fleets:v1',
    title: 'Fleets of Edge Manager',
  },
);
export type FleetsFile = Static<typeof FleetsFileSchema>;
export type FleetEntry = FleetsFile['fleets'][string];
