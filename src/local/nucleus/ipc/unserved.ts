import type { Profile } from '../api/mod.js';
import type { PolicyService } from './authorize.js';
import type { Words } from './words.js';

/** How an operation that the local nucleus does not carry out refuses: by the rights to it, or in fixed words. */
export type Unserved =
  | { readonly kind: 'guarded'; readonly service: PolicyService; readonly resource: 'componentName' | '*' }
  | { readonly kind: 'said'; readonly words: Words };

const guarded = (service: PolicyService, resource: 'componentName' | '*'): Unserved => ({
  kind: 'guarded',
  service,
  resource,
});
const said = (shape: Words['shape'], message: string): Unserved => ({
  kind: 'said',
  words: { shape, message },
});
const CLI = 'aws.greengrass.Cli';
const LIFECYCLE = 'aws.greengrass.ipc.lifecycle';
const NO_DEPLOYMENT = said(
  'InvalidArgumentsError',
  'Invalid deploymentId format received. DeploymentId is a UUID',
);

/** The model has them, and components that are not there would serve them. */
const OF_OTHERS = [
  'GetSecretValue',
  'GetThingShadow',
  'UpdateThingShadow',
  'DeleteThingShadow',
  'ListNamedShadowsForThing',
  'VerifyClientDeviceIdentity',
  'GetClientDeviceAuthToken',
  'AuthorizeClientDeviceAction',
  'SubscribeToCertificateUpdates',
];

/** By operation with its prefix; recorded in test/data/nuclei. */
export const UNSERVED: Readonly<Record<Profile, Readonly<Record<string, Unserved>>>> = {
  nucleus: withPrefix({
    RestartComponent: guarded(CLI, 'componentName'),
    StopComponent: guarded(CLI, 'componentName'),
    CreateLocalDeployment: guarded(CLI, '*'),
    ListLocalDeployments: guarded(CLI, '*'),
    CreateDebugPassword: guarded(CLI, '*'),
    GetLocalDeploymentStatus: NO_DEPLOYMENT,
    CancelLocalDeployment: NO_DEPLOYMENT,
    PauseComponent: guarded(LIFECYCLE, 'componentName'),
    ResumeComponent: guarded(LIFECYCLE, 'componentName'),
    PutComponentMetric: guarded('aws.greengrass.ipc.componentmetric', '*'),
    ...Object.fromEntries(
      OF_OTHERS.map((name) => [
        name,
        said('ServiceError', `Operation aws.greengrass#${name} is not supported by Greengrass`),
      ]),
    ),
  }),
  lite: withPrefix({
    RestartComponent: said('UnauthorizedError', 'Component not authorized to restart component.'),
    CreateLocalDeployment: said('ServiceError', 'IPC Operation not authorized.'),
  }),
};

function withPrefix(operations: Readonly<Record<string, Unserved>>): Record<string, Unserved> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, unserved]) => [`aws.greengrass#${name}`, unserved]),
  );
}
