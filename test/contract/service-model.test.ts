import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { IoT } from '@aws-sdk/client-iot';
import { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { KMS } from '@aws-sdk/client-kms';
import { startLocalCloud, type LocalCloud, type ServiceName } from '../../src/local/cloud/mod.js';
import { requestWith, sample, triesOf } from '../lib/model-requests.js';
import { findBotocore, readServiceModel, rulesOf, type ServiceModel } from '../lib/service-model.js';

interface Service {
  readonly name: ServiceName;
  /** Where botocore keeps its model. */
  readonly path: string;
  readonly make: (config: object) => unknown;
  /** What it says of a member outside its limits. */
  readonly refusal: string;
}

const SERVICES: readonly Service[] = [
  {
    name: 'greengrassv2',
    path: 'greengrassv2/2020-11-30',
    make: (config) => new GreengrassV2(config),
    refusal: 'ValidationException',
  },
  {
    name: 'iot',
    path: 'iot/2015-05-28',
    make: (config) => new IoT(config),
    refusal: 'InvalidRequestException',
  },
  {
    name: 'iotdataplane',
    path: 'iot-data/2015-05-28',
    make: (config) => new IoTDataPlane(config),
    refusal: 'InvalidRequestException',
  },
  {
    name: 'kms',
    path: 'kms/2014-11-01',
    make: (config) => new KMS(config),
    refusal: 'ValidationException',
  },
];

/** Refusals of any service for any operation, which no model names. */
const COMMON = ['AccessDeniedException', 'ForbiddenException', 'ThrottlingException', 'ValidationException'];
const BROKEN = /failed to satisfy constraint/;

describe("the local cloud refuses what AWS's own service model refuses", function () {
  let folder: string;
  let cloud: LocalCloud;
  let data = '';

  before(async function () {
    const found = findBotocore();
    if (found === undefined) {
      console.log('      skipped: python3 with the package boto3 is not installed (pip install boto3)');
      return this.skip();
    }
    data = found;
    folder = await mkdtemp(join(tmpdir(), 'model-'));
    cloud = await startLocalCloud({ folder });
  });

  after(async () => {
    if (data === '') return;
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  const operationsOf = (service: Service): readonly string[] =>
    cloud.operations.filter((one) => one.service === service.name).map(({ name }) => name);

  /** The refusal's name and message; undefined where there was none. */
  async function call(
    client: unknown,
    operation: string,
    input: unknown,
  ): Promise<{ readonly name: string; readonly message: string } | undefined> {
    const method = `${operation.slice(0, 1).toLowerCase()}${operation.slice(1)}`;
    try {
      await (client as Record<string, (one: unknown) => Promise<unknown>>)[method]?.(input);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof Error);
      return { name: error.name, message: error.message };
    }
  }

  const clientOf = ({ make }: Service): { readonly destroy: () => void } => {
    const { region, endpoint, credentials } = cloud;
    return make({ region, endpoint, credentials, maxAttempts: 1 }) as { readonly destroy: () => void };
  };

  for (const service of SERVICES) {
    it(`${service.name}: each limit of each request, on both sides`, async () => {
      const model = readServiceModel(data, service.path);
      const client = clientOf(service);
      const wrong: string[] = [];
      let tried = 0;
      for (const operation of operationsOf(service)) {
        for (const rule of rulesOf(model, operation)) {
          const { inside, outside } = triesOf(model, rule);
          const last =
            rule.path
              .replace(/[[{].*$/, '')
              .split('.')
              .at(-1) ?? '';
          for (const value of outside) {
            const found = await call(client, operation, requestWith(model, operation, rule.path, value));
            // An empty part of the path is another path.
            if (value === '' && found?.name === 'UnknownOperationException') continue;
            tried++;
            if (found?.name !== service.refusal || !found.message.includes(last))
              wrong.push(
                `${operation} takes ${rule.path} = ${shown(value)}: ${found?.name} ${found?.message}`,
              );
          }
          for (const value of inside) {
            const found = await call(client, operation, requestWith(model, operation, rule.path, value));
            tried++;
            if (BROKEN.test(found?.message ?? ''))
              wrong.push(`${operation} refuses ${rule.path} = ${shown(value)}: ${found?.message}`);
          }
        }
      }
      client.destroy();
      assert.deepEqual(wrong, []);
      assert.ok(tried > 20, `${tried} requests were made`);
      console.log(`      ${tried} requests to ${operationsOf(service).length} operations`);
    });

    it(`${service.name}: no error that an operation's model does not name`, async () => {
      const model = readServiceModel(data, service.path);
      const client = clientOf(service);
      const wrong: string[] = [];
      for (const operation of operationsOf(service)) {
        const known = errorsOf(model, operation);
        // Twice: what was not there the first time may be there the second.
        for (const order of [undefined, undefined, 'throttle', 'deny'] as const) {
          cloud.setHook(order === undefined ? undefined : () => order);
          const input = sample(model, model.operations[operation]?.input?.shape);
          const found = await call(client, operation, input);
          if (found !== undefined && !known.includes(found.name)) wrong.push(`${operation}: ${found.name}`);
        }
        cloud.setHook(undefined);
      }
      client.destroy();
      assert.deepEqual(wrong, []);
    });
  }
});

function errorsOf({ operations }: ServiceModel, operation: string): readonly string[] {
  return [...(operations[operation]?.errors ?? []).map(({ shape }) => shape), ...COMMON];
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? '').slice(0, 80);
}
