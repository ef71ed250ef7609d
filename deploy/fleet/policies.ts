import { HEARTBEAT_SHADOW } from '../../src/contract/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { OWN_COMPONENT_PREFIX } from '../rollout/mod.js';
import type { Fleet } from './fleet.js';
import { operatorPermissions } from './operator-permissions.js';
import { placeOf, s3Arn, s3Service, type Place } from './place.js';

/** An IAM or IoT policy, by the name of the file that it goes into. */
export interface PolicyDocument {
  readonly name: 'device-role-policy' | 'device-role-trust' | 'device-iot-policy' | 'operator-policy';
  readonly purpose: string;
  readonly document: JsonObject;
}

/**
 * What the devices of a fleet need, and no more: the role of the token exchange puts captured records below
 * bucket, prefix and fleet and reads component artifacts; the device's certificate reports to its own shadow. And what
 * whoever looks after them with this command line needs.
 * @param arn of the thing group, or of another resource of its account and region
 */
export function fleetPolicies(fleet: Fleet, arn: string): readonly PolicyDocument[] {
  const place = placeOf(arn);
  const permissions = rolePermissions(fleet, place);
  // IAM takes no policy without a statement.
  const rolePolicy: readonly PolicyDocument[] =
    permissions.length === 0
      ? []
      : [
          {
            name: 'device-role-policy',
            purpose: 'permissions of the role behind the role alias',
            document: policy(permissions),
          },
        ];
  return [
    ...rolePolicy,
    {
      name: 'device-role-trust',
      purpose: 'trust policy of that role',
      document: policy([
        {
          Effect: 'Allow',
          Principal: { Service: 'credentials.iot.amazonaws.com' },
          Action: 'sts:AssumeRole',
        },
      ]),
    },
    {
      name: 'device-iot-policy',
      purpose: "statements for the IoT policy of the devices' certificates",
      document: policy(iotPermissions(fleet, place)),
    },
    {
      name: 'operator-policy',
      purpose: 'permissions of whoever publishes, deploys and reports with edge-manager',
      document: policy(operatorPermissions(fleet, place)),
    },
  ];
}

function policy(statements: readonly JsonObject[]): JsonObject {
  return { Version: '2012-10-17', Statement: [...statements] };
}

function rolePermissions(fleet: Fleet, place: Place): readonly JsonObject[] {
  const { output, artifactBucket } = fleet;
  const statements: JsonObject[] = [];
  if (output !== undefined) {
    statements.push({
      Sid: 'PutCapturedRecords',
      Effect: 'Allow',
      Action: 's3:PutObject',
      Resource: objects(place, output.bucket, `${output.prefix}/${fleet.name}`),
    });
    if (output.kmsKeyId !== undefined)
      statements.push(keyPermission(output.kmsKeyId, fleet, place, output.bucket));
  }
  if (artifactBucket !== undefined) {
    // New models are components of names not known yet, hence the prefix.
    const own = `${s3Arn(place, artifactBucket)}/${OWN_COMPONENT_PREFIX}*`;
    const others = fleet.artifactComponents.map((name) => objects(place, artifactBucket, name));
    statements.push({
      Sid: 'GetComponentArtifacts',
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: [own, ...others],
    });
    // The nucleus asks where the bucket is before each download, and fails where it may not.
    if (!artifactBucket.startsWith('arn:'))
      statements.push({
        Sid: 'FindArtifactBucket',
        Effect: 'Allow',
        Action: 's3:GetBucketLocation',
        Resource: s3Arn(place, artifactBucket),
      });
  }
  return statements;
}

function keyPermission(key: string, fleet: Fleet, place: Place, bucket: string): JsonObject {
  const alias = /(?:^|:)(alias\/.+)$/.exec(key)?.[1];
  const region = bucketRegion(fleet, place, bucket);
  const keys = `arn:${place.partition}:kms:${region}:${place.account}:key/`;
  return {
    Sid: 'EncryptCapturedRecords',
    Effect: 'Allow',
    Action: 'kms:GenerateDataKey',
    // A policy can't name an alias as resource: the condition holds it to that one key.
    Resource: alias !== undefined ? `${keys}*` : key.startsWith('arn:') ? key : `${keys}${key}`,
    Condition: {
      StringEquals: { 'kms:ViaService': s3Service(region) },
      ...(alias === undefined ? {} : { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } }),
    },
  };
}

function bucketRegion(fleet: Fleet, place: Place, bucket: string): string {
  const configured = fleet.uploader?.['region'];
  if (bucket.startsWith('arn:')) return bucket.split(':')[3] ?? place.region;
  return typeof configured === 'string' ? configured : place.region;
}

function iotPermissions(fleet: Fleet, { partition, region, account }: Place): readonly JsonObject[] {
  const iot = `arn:${partition}:iot:${region}:${account}`;
  const own = '$aws/things/${iot:Connection.Thing.ThingName}';
  const statements: JsonObject[] = [
    {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: `${iot}:topic/${own}/shadow/name/${HEARTBEAT_SHADOW}/update`,
    },
  ];
  if (fleet.roleAlias !== undefined) {
    statements.push({
      Effect: 'Allow',
      Action: 'iot:AssumeRoleWithCertificate',
      Resource: `${iot}:rolealias/${fleet.roleAlias}`,
    });
  }
  return statements;
}

/** All objects of a bucket below a prefix; IAM's own signs in it stand for themselves. */
function objects(place: Place, bucket: string, prefix: string): string {
  return `${s3Arn(place, bucket)}/${prefix.replaceAll(/[*?$]/g, '${$&}')}/*`;
}
