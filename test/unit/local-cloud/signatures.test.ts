import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreengrassV2Client, ListComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { IoTClient, ListThingGroupsCommand } from '@aws-sdk/client-iot';
import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { ManualClock } from '../../../src/core/mod.js';
import { ADMINISTRATOR, startLocalCloud, type LocalCloud } from '../../../src/local/cloud/mod.js';
import { withRequest, type WireRequest } from '../../lib/raw-aws.js';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Each service of the local cloud, with one call, and what it says of an unknown key and of a wrong signature. */
const SERVICES = {
  greengrass: {
    make: (config: object) => new GreengrassV2Client(config),
    command: () => new ListComponentsCommand({}),
    names: [
      'UnrecognizedClientException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
    ],
  },
  iot: {
    make: (config: object) => new IoTClient(config),
    command: () => new ListThingGroupsCommand({}),
    names: [
      'UnrecognizedClientException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
    ],
  },
  iotdata: {
    make: (config: object) => new IoTDataPlaneClient(config),
    command: () => new GetThingShadowCommand({ thingName: 'a:b', shadowName: 'edge-manager' }),
    names: [
      'UnrecognizedClientException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
    ],
  },
  kms: {
    make: (config: object) => new KMSClient(config),
    command: () => new CreateKeyCommand({}),
    names: [
      'UnrecognizedClientException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
    ],
  },
  sts: {
    make: (config: object) => new STSClient(config),
    command: () => new GetCallerIdentityCommand({}),
    names: ['InvalidClientTokenId', 'SignatureDoesNotMatch', 'MissingAuthenticationToken'],
  },
} as const;

interface Attempt {
  readonly credentials?: Keys;
  readonly region?: string;
  readonly signed?: (request: WireRequest) => void;
  readonly sent?: (request: WireRequest) => void;
}

describe('the local cloud checks who asks, in every service', () => {
  let folder: string;
  let cloud: LocalCloud;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signatures-'));
    cloud = await startLocalCloud({ folder });
  });

  after(async () => {
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The name of the refusal; empty where there was none. */
  async function asked(service: keyof typeof SERVICES, attempt: Attempt = {}): Promise<string> {
    const { make, command } = SERVICES[service];
    const { credentials = cloud.credentials, region = cloud.region } = attempt;
    const client = make({ region, endpoint: cloud.endpoint, credentials, maxAttempts: 1 });
    if (attempt.signed !== undefined) withRequest(client, 'before', attempt.signed);
    if (attempt.sent !== undefined) withRequest(client, 'after', attempt.sent);
    try {
      await (client.send as (one: unknown) => Promise<unknown>)(command());
      return '';
    } catch (error) {
      return error instanceof Error ? error.name : '';
    } finally {
      client.destroy();
    }
  }

  for (const service of Object.keys(SERVICES) as (keyof typeof SERVICES)[]) {
    const [unknown, wrong, missing] = SERVICES[service].names;
    const known = service === 'iotdata' ? 'ResourceNotFoundException' : '';

    it(`${service}: takes a signed request`, async () => {
      assert.equal(await asked(service), known);
    });

    it(`${service}: refuses one without a signature, with an unknown key and with a key's token gone`, async () => {
      const unsigned = ({ headers }: WireRequest): void => void delete headers['authorization'];
      assert.equal(await asked(service, { sent: unsigned }), missing);
      const stranger = { ...cloud.credentials, accessKeyId: 'AKIASTRANGER' };
      assert.equal(await asked(service, { credentials: stranger }), unknown);
      const withToken = { ...cloud.credentials, sessionToken: 'made up' };
      assert.equal(await asked(service, { credentials: withToken }), unknown);
    });

    it(`${service}: refuses a wrong secret, and what was changed behind the signature`, async () => {
      const changes: Readonly<Record<string, Attempt>> = {
        secret: { credentials: { ...cloud.credentials, secretAccessKey: 'guessed' } },
        query: { sent: ({ query }) => void (query['added'] = '1') },
        header: { sent: ({ headers }) => void (headers['x-amz-added'] = '1') },
        date: {
          sent: ({ headers }) =>
            void (headers['x-amz-date'] =
              headers['x-amz-date']?.replace(/\d\dZ$/, '59Z').replace(/T\d/, 'T3') ?? ''),
        },
        body: {
          sent: (wire) => {
            wire.body = 'Action=GetCallerIdentity&Version=2011-06-15&more';
            wire.headers['content-length'] = '48';
          },
        },
      };
      for (const [what, attempt] of Object.entries(changes))
        assert.equal(await asked(service, attempt), wrong, what);
    });

    it(`${service}: refuses another region or service in the scope`, async () => {
      assert.equal(await asked(service, { region: 'eu-central-1' }), wrong);
      const foreign = ({ headers }: WireRequest): void => {
        headers['authorization'] =
          headers['authorization']?.replace(/\/[a-z]+\/aws4_request/, '/s3/aws4_request') ?? '';
      };
      assert.equal(await asked(service, { sent: foreign }), wrong);
    });

    it(`${service}: refuses a signature that does not cover the host`, async () => {
      const uncovered = ({ headers }: WireRequest): void => {
        headers['authorization'] = headers['authorization']?.replace('host;', '').replace(';host', '') ?? '';
      };
      assert.equal(await asked(service, { sent: uncovered }), wrong);
    });
  }

  it('refuses a date that is off by more than five minutes, and an expired token by its name', async () => {
    const clock = new ManualClock(Date.now());
    await using late = await startLocalCloud({ folder: join(folder, 'late'), clock });
    const trust = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'credentials.iot.amazonaws.com' },
          Action: 'sts:AssumeRole',
        },
      ],
    };
    const roleArn = late.iam.createRole('devices', trust);
    late.iam.putRolePolicy('devices', 'all', ADMINISTRATOR);
    late.attachPolicy(ADMINISTRATOR);
    await late.invoke('iot', 'CreateRoleAlias', { roleAlias: 'devices', roleArn });
    const keys = await late.deviceCredentials('thing-1', 'devices');
    const asks = async (credentials: Keys, aheadMs: number): Promise<string> => {
      const { region, endpoint } = late;
      clock.jumpWall(Date.now() + aheadMs);
      const iot = new IoTClient({ region, endpoint, credentials, maxAttempts: 1 });
      const error: unknown = await iot
        .send(new ListThingGroupsCommand({}))
        .catch((thrown: unknown) => thrown);
      iot.destroy();
      return error instanceof Error ? error.name : '';
    };
    assert.equal(await asks(keys, 0), '');
    assert.equal(await asks(late.credentials, 4 * 60_000), '');
    assert.equal(await asks(late.credentials, 6 * 60_000), 'InvalidSignatureException');
    assert.equal(await asks(late.credentials, -6 * 60_000), 'InvalidSignatureException');
    assert.equal(await asks(keys, 0), '');
    const client = new IoTClient({
      region: late.region,
      endpoint: late.endpoint,
      credentials: keys,
      maxAttempts: 1,
      systemClockOffset: 61 * 60_000,
    });
    clock.jumpWall(Date.now() + 61 * 60_000);
    await assert.rejects(client.send(new ListThingGroupsCommand({})), { name: 'ExpiredTokenException' });
    client.destroy();
  });

  it('runs nothing for a user without a key: a component with an install script does not come to be', async () => {
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: 'com.example.attack',
      ComponentVersion: '1.0.0',
      Manifests: [{ Platform: { os: '*' }, Lifecycle: { install: 'touch /tmp/owned' } }],
    };
    const body = JSON.stringify({ inlineRecipe: Buffer.from(JSON.stringify(recipe)).toString('base64') });
    for (const authorization of [undefined, 'AWS4-HMAC-SHA256 Credential=x', 'Basic YTpi']) {
      const answer = await fetch(`${cloud.endpoint}/greengrass/v2/createComponentVersion`, {
        method: 'POST',
        body,
        headers: authorization === undefined ? {} : { authorization },
      });
      assert.ok(answer.status === 403 || answer.status === 400, String(answer.status));
    }
    assert.deepEqual(await cloud.store.versions('com.example.attack'), []);
  });

  it('answers 421 to a name that is not its own, so that no web page reaches it by a name of its own', async () => {
    const { hostname, port } = new URL(cloud.endpoint);
    const statusFor = async (host: string): Promise<number | undefined> =>
      await new Promise((resolve, reject) => {
        request({ hostname, port, headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .once('error', reject)
          .end();
      });
    for (const host of [
      'attacker.example',
      `attacker.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:1`,
      `10.0.0.1:${port}`,
    ])
      assert.equal(await statusFor(host), 421, host);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`])
      assert.equal(await statusFor(host), 403, host);
  });

  it('makes new keys at each start, and none is written anywhere', async () => {
    await using other = await startLocalCloud({ folder: join(folder, 'other') });
    assert.notEqual(other.credentials.accessKeyId, cloud.credentials.accessKeyId);
    assert.notEqual(other.credentials.secretAccessKey, cloud.credentials.secretAccessKey);
    await assert.rejects(readFile(join(folder, 'other', 'credentials')));
  });
});
