import assert from 'node:assert/strict';
import { fleetPolicies, fleetNamed, parseFleets } from '../../../deploy/mod.js';

const ARN = 'arn:aws:iot:eu-west-1:123456789012:thinggroup/ovens';

function documents(entry: object, arn = ARN): Record<string, unknown> {
  const fleet = fleetNamed(parseFleets({ fleets: { ovens: entry } }), 'ovens');
  return Object.fromEntries(fleetPolicies(fleet, arn).map(({ name, document }) => [name, document]));
}

function statements(entry: object): unknown {
  return (documents(entry)['device-role-policy'] as { Statement: unknown }).Statement;
}

describe('fleetPolicies', () => {
  it('gives the role exactly bucket, prefix and fleet, the key, and the artifacts', () => {
    const found = statements({
      output: {
        s3OutputLocation: 's3://captures/hall-3',
        kmsKeyId: 'arn:aws:kms:eu-west-1:123456789012:key/1234',
      },
      artifactBucket: 'artifacts',
      artifactComponents: ['com.example.app'],
    });
    assert.deepEqual(found, [
      {
        Sid: 'PutCapturedRecords',
        Effect: 'Allow',
        Action: 's3:PutObject',
        Resource: 'arn:aws:s3:::captures/hall-3/ovens/*',
      },
      {
        Sid: 'EncryptCapturedRecords',
        Effect: 'Allow',
        Action: 'kms:GenerateDataKey',
        Resource: 'arn:aws:kms:eu-west-1:123456789012:key/1234',
        Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
      },
      {
        Sid: 'GetComponentArtifacts',
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: ['arn:aws:s3:::artifacts/org.edgemanager.*', 'arn:aws:s3:::artifacts/com.example.app/*'],
      },
      {
        Sid: 'FindArtifactBucket',
        Effect: 'Allow',
        Action: 's3:GetBucketLocation',
        Resource: 'arn:aws:s3:::artifacts',
      },
    ]);
  });

  it('speaks of the partition that the fleet is in, and of its domain', () => {
    for (const [region, partition, service] of [
      ['cn-north-1', 'aws-cn', 's3.cn-north-1.amazonaws.com.cn'],
      ['cn-northwest-1', 'aws-cn', 's3.cn-northwest-1.amazonaws.com.cn'],
      ['us-gov-west-1', 'aws-us-gov', 's3.us-gov-west-1.amazonaws.com'],
    ]) {
      const entry = {
        output: { s3OutputLocation: 's3://captures', kmsKeyId: 'alias/captures' },
        artifactBucket: 'artifacts',
        roleAlias: 'Devices',
      };
      const text = JSON.stringify(
        documents(entry, `arn:${partition}:iot:${region}:123456789012:thinggroup/ovens`),
      );
      assert.ok(text.includes(`"kms:ViaService":"${service}"`), text);
      const arns = text.match(/arn:[^:"]*/g) ?? [];
      assert.deepEqual([...new Set(arns)], [`arn:${partition}`]);
      // The principals of services are the same in all partitions.
      assert.ok(text.includes('"Service":"credentials.iot.amazonaws.com"'));
    }
  });

  it('makes an ARN of a key’s id, and a condition of its alias', () => {
    const key = (kmsKeyId: string): { Resource: string; Condition: Record<string, unknown> } => {
      const found = statements({ output: { s3OutputLocation: 's3://captures', kmsKeyId } }) as unknown[];
      return found[1] as { Resource: string; Condition: Record<string, unknown> };
    };
    assert.equal(key('1234-ab').Resource, 'arn:aws:kms:eu-west-1:123456789012:key/1234-ab');
    for (const alias of ['alias/captures', 'arn:aws:kms:eu-west-1:123456789012:alias/captures']) {
      assert.equal(key(alias).Resource, 'arn:aws:kms:eu-west-1:123456789012:key/*');
      assert.deepEqual(key(alias).Condition['ForAnyValue:StringEquals'], {
        'kms:ResourceAliases': 'alias/captures',
      });
    }
  });

  it('grants nothing in S3 to a fleet that neither captures nor has artifacts', () => {
    assert.equal(documents({})['device-role-policy'], undefined);
  });

  it('lets no sign of a prefix widen the grant', () => {
    const found = statements({
      output: { s3OutputLocation: 's3://captures' },
      agent: { capture: { folderPrefix: 'a*b?${aws:userid}' } },
    }) as { Resource: string }[];
    assert.equal(found[0]?.Resource, 'arn:aws:s3:::captures/a${*}b${?}${$}{aws:userid}/ovens/*');
  });

  it('holds a device to its own shadow and to its role alias', () => {
    const found = documents({ roleAlias: 'DevicesAlias' })['device-iot-policy'];
    assert.deepEqual((found as { Statement: unknown }).Statement, [
      {
        Effect: 'Allow',
        Action: 'iot:Publish',
        Resource:
          'arn:aws:iot:eu-west-1:123456789012:topic/$aws/things/${iot:Connection.Thing.ThingName}/shadow/name/edge-manager/update',
      },
      {
        Effect: 'Allow',
        Action: 'iot:AssumeRoleWithCertificate',
        Resource: 'arn:aws:iot:eu-west-1:123456789012:rolealias/DevicesAlias',
      },
    ]);
  });
});
