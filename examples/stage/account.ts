import { IoT } from '@aws-sdk/client-iot';
import { fleetPolicies, type Fleet, type PolicyDocument } from '../../deploy/fleet/mod.js';
import { partitionOf, type JsonObject } from '../../src/core/mod.js';
import type { LocalCloud } from '../../src/local/cloud/mod.js';
import { quietSdk } from '../../src/net/mod.js';

/** Keys of whoever works on a fleet. */
export interface OperatorKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

type PolicyName = PolicyDocument['name'];
/** Takes something out of a document, or gives it back as it is. */
type Change = (document: JsonObject, name: PolicyName) => JsonObject;

/**
 * What an account's administrator does once for a fleet, with the documents of `fleet apply --policies`. From then on
 * nobody may do more than they grant.
 * @param change of the documents, for tests of what they are needed for
 */
export async function setUpAccount(local: LocalCloud, fleet: Fleet, change?: Change): Promise<OperatorKeys> {
  await setUpDevices(local, fleet, change);
  return setUpOperator(local, fleet, change);
}

/** A user for whoever publishes, deploys and reports. */
export function setUpOperator(local: LocalCloud, fleet: Fleet, change?: Change): OperatorKeys {
  const document = documentsOf(local, fleet, change)('operator-policy');
  return local.iam.createUser(`${fleet.name}-operator`, document === undefined ? [] : [document]);
}

/** The devices' role behind the fleet's role alias, and the IoT policy of their certificates. */
export async function setUpDevices(local: LocalCloud, fleet: Fleet, change?: Change): Promise<void> {
  const document = documentsOf(local, fleet, change);
  const [mqtt, trust, permissions] = [
    document('device-iot-policy'),
    document('device-role-trust'),
    document('device-role-policy'),
  ];
  if (mqtt !== undefined) local.attachPolicy(mqtt);
  if (fleet.roleAlias === undefined || trust === undefined) return;
  const role = `${fleet.name}-devices`;
  const roleArn = local.iam.createRole(role, trust);
  if (permissions !== undefined) local.iam.putRolePolicy(role, 'edge-manager', permissions);
  const { region, endpoint, credentials } = local;
  quietSdk();
  const iot = new IoT({ region, endpoint, credentials });
  await iot.createRoleAlias({ roleAlias: fleet.roleAlias, roleArn });
  iot.destroy();
}

function documentsOf(
  { region, accountId }: LocalCloud,
  fleet: Fleet,
  change: Change = (document) => document,
): (name: PolicyName) => JsonObject | undefined {
  const { name: partition } = partitionOf(region);
  const policies = fleetPolicies(
    fleet,
    `arn:${partition}:iot:${region}:${accountId}:thinggroup/${fleet.group}`,
  );
  return (name) => {
    const found = policies.find((policy) => policy.name === name);
    return found === undefined ? undefined : change(found.document, name);
  };
}
