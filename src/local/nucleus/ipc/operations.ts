import { Type } from '@sinclair/typebox';
import type { Behaviour } from './behaviour.js';
import { denied, operation, type Operation } from './call.js';
import {
  deferComponentUpdate,
  getComponentDetails,
  listComponents,
  subscribeToComponentUpdates,
  updateState,
  validateAuthorizationToken,
} from './component-operations.js';
import {
  getConfiguration,
  subscribeToConfigurationUpdate,
  updateConfiguration,
} from './configuration-operations.js';
import { publishToIotCore, subscribeToIotCore } from './iot-core-operations.js';
import { publishToTopic, subscribeToTopic } from './pub-sub-operations.js';
import { refuse, refuseWith } from './reply.js';
import type { Unserved } from './unserved.js';
import {
  sendConfigurationValidityReport,
  subscribeToValidateConfigurationUpdates,
} from './validation-operations.js';

const onBoth: Readonly<Record<string, Operation>> = {
  'aws.greengrass#PublishToTopic': publishToTopic,
  'aws.greengrass#SubscribeToTopic': subscribeToTopic,
  'aws.greengrass#GetConfiguration': getConfiguration,
  'aws.greengrass#UpdateConfiguration': updateConfiguration,
  'aws.greengrass#SubscribeToConfigurationUpdate': subscribeToConfigurationUpdate,
  'aws.greengrass#UpdateState': updateState,
  'aws.greengrass#PublishToIoTCore': publishToIotCore,
  'aws.greengrass#SubscribeToIoTCore': subscribeToIotCore,
  'aws.greengrass#ValidateAuthorizationToken': validateAuthorizationToken,
};

const onNucleus: Readonly<Record<string, Operation>> = {
  ...onBoth,
  'aws.greengrass#SubscribeToComponentUpdates': subscribeToComponentUpdates,
  'aws.greengrass#DeferComponentUpdate': deferComponentUpdate,
  'aws.greengrass#GetComponentDetails': getComponentDetails,
  'aws.greengrass#ListComponents': listComponents,
  'aws.greengrass#SubscribeToValidateConfigurationUpdates': subscribeToValidateConfigurationUpdates,
  'aws.greengrass#SendConfigurationValidityReport': sendConfigurationValidityReport,
};

/** The operation of this name, if the nucleus knows it: some only refuse. */
export function operationOf(behaviour: Behaviour, name: string): Operation | undefined {
  const table = behaviour.profile === 'nucleus' ? onNucleus : onBoth;
  if (Object.hasOwn(table, name)) return table[name];
  const unserved = behaviour.unserved(name);
  return unserved === undefined ? undefined : refusing(unserved);
}

function refusing(unserved: Unserved): Operation {
  const request = Type.Object({ componentName: Type.Optional(Type.String()) });
  return operation(request, (call, { componentName = '' }) => {
    if (unserved.kind === 'said') return refuseWith(unserved.words);
    const refusal = denied(call, unserved.service, unserved.resource === '*' ? '*' : componentName);
    return refusal ?? refuse('ServiceError', `The local nucleus does not carry out ${call.operation}`);
  });
}
