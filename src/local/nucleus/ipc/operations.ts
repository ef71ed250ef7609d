import type { Profile } from '../api/mod.js';
import type { Operation } from './call.js';
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
};

/** The operation of this name, if the profile's nucleus has it. */
export function operationOf(profile: Profile, name: string): Operation | undefined {
  const table = profile === 'nucleus' ? onNucleus : onBoth;
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
