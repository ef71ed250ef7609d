import type { Profile } from '../api/mod.js';
import type { ErrorShape } from './reply.js';

/** An error as a nucleus says it. */
export interface Words {
  readonly shape: ErrorShape;
  /** Undefined: it says none. */
  readonly message: string | undefined;
}

/** What each nucleus says, word for word: recorded in test/data/nuclei. */
interface Sayings {
  readonly keyNotFound: Words;
  readonly subscribedKeyNotFound: Words;
  readonly noTimestamp: Words;
  readonly noValue: Words;
  readonly restrictedKey: Words;
  readonly noPublishTopic: Words;
  readonly noSubscribeTopic: Words;
  readonly noIotTopic: Words;
  readonly noState: Words;
  readonly unknownState: Words;
  readonly notTokenValidator: (component: string) => Words;
}

const said = (shape: ErrorShape, message: string | undefined): Words => ({ shape, message });

/** The Java nucleus shows its null pointer. */
const NO_STATE = said(
  'ServiceError',
  'Cannot invoke "software.amazon.awssdk.aws.greengrass.model.ReportedLifecycleState.toString()" because the return value of "software.amazon.awssdk.aws.greengrass.model.UpdateStateRequest.getState()" is null',
);
const LITE_PARAMETERS = said('ServiceError', 'Received invalid parameters.');
const LITE_ARGUMENTS = said('InvalidArgumentsError', 'Received invalid parameters.');

export const SAYINGS: Readonly<Record<Profile, Sayings>> = {
  nucleus: {
    keyNotFound: said('ResourceNotFoundError', 'Key not found'),
    subscribedKeyNotFound: said('ResourceNotFoundError', 'Key not found'),
    noTimestamp: said('InvalidArgumentsError', 'Timestamp is required'),
    noValue: said('InvalidArgumentsError', 'ValueToMerge is required'),
    restrictedKey: said(
      'InvalidArgumentsError',
      'Config update is not allowed for following fields [accessControl]',
    ),
    noPublishTopic: said('InvalidArgumentsError', 'Publish topic must not be null'),
    noSubscribeTopic: said('InvalidArgumentsError', 'Subscribe topic must not be empty'),
    noIotTopic: said('InvalidArgumentsError', 'Topic is required'),
    noState: NO_STATE,
    unknownState: NO_STATE,
    notTokenValidator: (component) =>
      said(
        'UnauthorizedError',
        `${component} is not authorized to perform aws.greengrass#ValidateAuthorizationToken`,
      ),
  },
  lite: {
    keyNotFound: said('ResourceNotFoundError', 'Key not found.'),
    subscribedKeyNotFound: said('ResourceNotFoundError', 'Key not found'),
    noTimestamp: LITE_ARGUMENTS,
    noValue: LITE_ARGUMENTS,
    restrictedKey: said(
      'InvalidArgumentsError',
      'Config update is not allowed for following field [accessControl]',
    ),
    noPublishTopic: LITE_PARAMETERS,
    noSubscribeTopic: LITE_PARAMETERS,
    noIotTopic: LITE_PARAMETERS,
    noState: LITE_PARAMETERS,
    unknownState: said('ServiceError', 'Failed to update the lifecycle state.'),
    notTokenValidator: () =>
      said('UnauthorizedError', 'Component does not have access to token verification IPC command.'),
  },
};
