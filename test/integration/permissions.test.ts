import assert from 'node:assert/strict';
import { fleetPolicies, type PolicyDocument } from '../../deploy/mod.js';
import { isJsonObject, partitionOf, type Json, type JsonObject } from '../../src/core/mod.js';
import { evaluate, parsePolicy, type Need } from '../../src/local/cloud/mod.js';
import { longRun } from '../lib/fault-table.js';
import { FLEET, PermissionFlows, type Needed } from '../lib/permission-flows.js';

type PolicyName = PolicyDocument['name'];

/** Whom each document is for, by the ARN of who asked. */
const HOLDERS: Readonly<Record<Exclude<PolicyName, 'device-role-trust'>, RegExp>> = {
  'operator-policy': /:user\/ovens-operator$/,
  'device-role-policy': /:assumed-role\/ovens-devices\//,
  'device-iot-policy': /:thing\//,
};

describe('the policy documents of a fleet', function () {
  let needed: readonly Needed[];
  let documents: readonly PolicyDocument[];

  it('let the operator and the devices do all that they do: commands, downloads, uploads, heartbeats', async () => {
    await using flows = await PermissionFlows.start();
    await flows.all();
    ({ needed } = flows);
    const { region, accountId } = flows.local;
    documents = fleetPolicies(FLEET, `arn:aws:iot:${region}:${accountId}:thinggroup/ovens`);
    assert.ok(needed.length > 300, `${needed.length} rights were needed`);
  });

  for (const [name, holder] of Object.entries(HOLDERS) as [keyof typeof HOLDERS, RegExp][]) {
    it(`${name}: grants nothing that nobody needs, by action and by resource`, () => {
      const { document } = documents.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
      const needs = needsOf(needed.filter(({ principal }) => holder.test(principal)));
      const policy = parsePolicy(document);
      const granted = needs.filter((need) => evaluate([policy], need) === 'allowed');
      const idle: string[] = [];
      let mutations = 0;
      for (const { what, without } of mutationsOf(document)) {
        mutations++;
        const less = parsePolicy(without);
        if (granted.every((need) => evaluate([less], need) === 'allowed')) idle.push(what);
      }
      assert.deepEqual(idle, []);
      console.log(`      ${mutations} mutations of ${granted.length} rights`);
    });
  }

  // That of China has a domain of its own too.
  for (const region of longRun() ? ['cn-north-1', 'us-gov-west-1'] : ['cn-north-1']) {
    it(`are as good in ${region}, whose partition has ARNs and a domain of its own`, async () => {
      await using flows = await PermissionFlows.start(undefined, region);
      await flows.all();
      const { name } = partitionOf(region);
      const arns = flows.needed.map(({ need }) => need.resource).filter((resource) => resource !== '*');
      assert.ok(arns.length > 300 && arns.every((arn) => arn.startsWith(`arn:${name}:`)));
    });
  }

  it('let lite download without a look at the bucket, as it asks for the object alone', async () => {
    await using flows = await PermissionFlows.start((document) =>
      withoutAction(document, 's3:GetBucketLocation'),
    );
    await flows.publishes();
    await flows.downloads('lite');
  });

  const flowsThatFail = [
    ['s3:GetBucketLocation', 'downloads', /S3_GET_BUCKET_LOCATION_ACCESS_DENIED/],
    [
      's3:GetObject',
      'downloads',
      /S3_HEAD_OBJECT_ACCESS_DENIED|Specified artifact resource cannot be accessed/,
    ],
    ['s3:PutObject', 'uploads', /AccessDenied/],
    ['kms:GenerateDataKey', 'uploads', /AccessDenied/],
    ['iot:AssumeRoleWithCertificate', 'downloads', /iot:AssumeRoleWithCertificate/],
    ['iot:Publish', 'deploys', /iot:Publish/],
    ['sts:AssumeRole', 'downloads', /trust policy/],
  ] as const;
  for (const [action, flow, sentence] of flowsThatFail) {
    it(`without ${action} the devices fail, and say why`, async () => {
      const withoutIt = (document: JsonObject, name: string): JsonObject =>
        name === 'operator-policy' ? document : withoutAction(document, action);
      await using flows = await PermissionFlows.start(withoutIt);
      await flows.fleets();
      await flows.publishes();
      await assert.rejects(flows[flow](), sentence);
    });
  }

  for (const [action, flow] of [
    ['iot:CreateThingGroup', 'fleets'],
    ['greengrass:CreateComponentVersion', 'publishes'],
    ['s3:GetObject', 'publishes'],
    ['iot:CreateJob', 'deploys'],
    ['iot:GetStatistics', 'deploys'],
  ] as const) {
    it(`without ${action} the operator's command names it`, async () => {
      const withoutIt = (document: JsonObject, name: string): JsonObject =>
        name === 'operator-policy' ? withoutAction(document, action) : document;
      await using flows = await PermissionFlows.start(withoutIt);
      const run = async (): Promise<void> => {
        await flows.fleets();
        await flows.publishes();
        await flows.deploys();
      };
      const named =
        action === 's3:GetObject' ? /artifact resource cannot be accessed|s3:GetObject/ : new RegExp(action);
      await assert.rejects(run(), named, flow);
    });
  }
});

/** Each right once. */
function needsOf(needed: readonly Needed[]): readonly Need[] {
  return [...new Map(needed.map(({ need }) => [JSON.stringify(need), need])).values()];
}

interface Mutation {
  readonly what: string;
  readonly without: JsonObject;
}

/** The document without each single statement, action and resource in turn. */
function mutationsOf(document: JsonObject): readonly Mutation[] {
  return statementsOf(document).flatMap((statement, index) => {
    const put = (changed: JsonObject | undefined): JsonObject => ({
      ...document,
      Statement: statementsOf(document).flatMap((one, at) => (at === index ? (changed ?? []) : one)),
    });
    const fewer = ['Action', 'Resource'].flatMap((element) => {
      const all = listOf(statement[element]);
      if (all.length < 2) return [];
      return all.map((one) => ({
        what: `${nameOf(statement, index)} ${element} ${one}`,
        without: put({ ...statement, [element]: all.filter((other) => other !== one) }),
      }));
    });
    const whole = statementsOf(put(undefined)).length === 0 ? [] : [put(undefined)];
    return [...fewer, ...whole.map((without) => ({ what: nameOf(statement, index), without }))];
  });
}

function nameOf({ Sid }: JsonObject, index: number): string {
  return typeof Sid === 'string' ? Sid : `statement ${index}`;
}

function withoutAction(document: JsonObject, action: string): JsonObject {
  const kept = statementsOf(document).flatMap((statement) => {
    const actions = listOf(statement['Action']).filter((one) => one !== action);
    return actions.length === 0 ? [] : [{ ...statement, Action: actions }];
  });
  // IAM takes no policy without a statement: one that denies nothing anybody does stands in.
  const nothing = { ...statementsOf(document)[0], Effect: 'Deny', Action: 'none:Nothing' };
  return { ...document, Statement: kept.length === 0 ? [nothing] : kept };
}

function statementsOf(document: JsonObject): readonly JsonObject[] {
  return listOf(document['Statement'], isJsonObject);
}

function listOf(value: Json | undefined): readonly string[];
function listOf<T extends Json>(value: Json | undefined, is: (one: Json) => one is T): readonly T[];
function listOf(
  value: Json | undefined,
  is: (one: Json) => boolean = (one) => typeof one === 'string',
): unknown {
  const all = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return (all as readonly Json[]).filter((one) => is(one));
}
