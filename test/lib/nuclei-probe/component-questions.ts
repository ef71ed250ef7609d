import type { JsonObject } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

const OTHER = 'kit.Other';
const REQUESTS: Readonly<Record<string, JsonObject>> = {
  ListComponents: {},
  GetComponentDetails: { componentName: OTHER },
  RestartComponent: { componentName: OTHER },
  StopComponent: { componentName: OTHER },
  CreateLocalDeployment: { rootComponentVersionsToAdd: {} },
  ListLocalDeployments: {},
  GetLocalDeploymentStatus: { deploymentId: 'none' },
  CancelLocalDeployment: { deploymentId: 'none' },
  CreateDebugPassword: {},
  PauseComponent: { componentName: OTHER },
  ResumeComponent: { componentName: OTHER },
  PutComponentMetric: { metrics: [{ name: 'n', unit: 'COUNT', value: 1 }] },
  GetSecretValue: { secretId: 'x' },
  GetThingShadow: { thingName: 'x', shadowName: 'y' },
  UpdateThingShadow: { thingName: 'x', shadowName: 'y', payload: 'e30=' },
  DeleteThingShadow: { thingName: 'x', shadowName: 'y' },
  ListNamedShadowsForThing: { thingName: 'x' },
  VerifyClientDeviceIdentity: { credential: { clientDeviceCertificate: 'x' } },
  GetClientDeviceAuthToken: { credential: { mqttCredential: { clientId: 'x' } } },
  AuthorizeClientDeviceAction: { clientDeviceAuthToken: 'x', operation: 'y', resource: 'z' },
  SubscribeToCertificateUpdates: { certificateOptions: { certificateType: 'SERVER' } },
  ValidateAuthorizationToken: { token: 'AAAAAAAAAAAAAAAA' },
  NoSuchOperation: {},
};

/** Asked by a component without any right to them. */
export const COMPONENT_QUESTIONS: Questions = {
  ...Object.fromEntries(
    Object.entries(REQUESTS).map(([operation, body]) => [
      `without rights: ${operation}`,
      (probe: Probe) => probe.ask(operation, body),
    ]),
  ),
  'component updates: subscribed': (probe) => probe.ask('SubscribeToComponentUpdates', {}),
  'component updates: deferred without a subscription': (probe) =>
    probe.ask('DeferComponentUpdate', { deploymentId: 'none', recheckAfterMs: 0 }),
  'component updates: deferred without a deployment': async (probe) => {
    const client = await probe.client();
    if (client === undefined) return 'not connected';
    await probe.answerTo(client, 'SubscribeToComponentUpdates', {});
    return await probe.answerTo(client, 'DeferComponentUpdate', { recheckAfterMs: 0 });
  },
  'component updates: deferred for a deployment that is not': async (probe) => {
    const client = await probe.client();
    if (client === undefined) return 'not connected';
    await probe.answerTo(client, 'SubscribeToComponentUpdates', {});
    return await probe.answerTo(client, 'DeferComponentUpdate', { deploymentId: 'none', recheckAfterMs: 0 });
  },
  'state: RUNNING': (probe) => probe.ask('UpdateState', { state: 'RUNNING' }),
  'state: nonsense': (probe) => probe.ask('UpdateState', { state: 'NONSENSE' }),
  'state: none': (probe) => probe.ask('UpdateState', {}),
};
