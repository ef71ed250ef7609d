import type { Json, JsonObject } from '../../../core/mod.js';
import type { Profile } from '../api/mod.js';
import type { PolicyService } from './authorize.js';
import { javaJson } from './java-json.js';
import { fitsLiteRequest, liteDelivery, type LiteDelivery } from './lite-limits.js';
import { refuse, type ErrorShape, type Reply } from './reply.js';
import { mqttMatcher, nucleusMatcher, type TopicMatcher } from './topics.js';
import { UNSERVED, type Unserved } from './unserved.js';
import { SAYINGS } from './words.js';

/** Everything in which the two nuclei's IPC differs, apart from the policy rules (authorize.ts). */
export interface Behaviour {
  readonly profile: Profile;
  /** A longer packet from a client closes its connection. */
  readonly maxIncomingBytes: number;
  /** A longer response becomes an error; a longer event is dropped in silence. */
  readonly maxOutgoingBytes: number;
  readonly maxConnections: number;
  readonly maxSubscriptions: number;
  /** Of topics and filters, in bytes of UTF-8. */
  readonly maxTopicBytes: number;
  /** One request at a time over all connections, and a full subscriber stalls them all. */
  readonly isSerial: boolean;
  /** A refused connect gets a connect ack without acceptance before the connection closes. */
  readonly acksRefusal: boolean;
  /** A connect message may carry a component's name instead of an SVCUID; the answer has one then. */
  readonly connectsByName: boolean;
  /** A breach of the protocol is told before the connection closes. */
  readonly tellsBreaches: boolean;
  /** The only response of a unary operation carries the terminate-stream flag. */
  readonly terminatesUnary: boolean;
  readonly acksBeforeDelivery: boolean;
  readonly honoursReceiveMode: boolean;
  readonly allowsWildcardPublish: boolean;
  topicMatcher(filter: string): TopicMatcher;
  /** Whether a decoded request fits the nucleus' memory. */
  fitsRequest(request: Json): boolean;
  /** Whether a jsonMessage reaches a subscriber, and whether he hears anything afterwards. */
  deliveryOf(message: Json): LiteDelivery;
  /** JSON text of a jsonMessage as subscribers get it. */
  messageJson(message: Json): string;
  errorBody(shape: ErrorShape, message: string | undefined): JsonObject;
  readonly sayings: (typeof SAYINGS)[Profile];
  /** What a component without rights hears of operations that are not carried out here. */
  unserved(operation: string): Unserved | undefined;
  unknown(operation: string): Reply;
  malformed(): Reply;
  /** @param whole the principal, the operation and the resource in one sentence */
  denial(service: PolicyService, resource: string, whole: string): string;
}

const UNLIMITED = Number.POSITIVE_INFINITY;

const nucleus: Behaviour = {
  profile: 'nucleus',
  maxIncomingBytes: 24 * 1024 * 1024,
  maxOutgoingBytes: 24 * 1024 * 1024,
  maxConnections: UNLIMITED,
  maxSubscriptions: UNLIMITED,
  maxTopicBytes: UNLIMITED,
  isSerial: false,
  acksRefusal: true,
  connectsByName: false,
  tellsBreaches: true,
  terminatesUnary: true,
  acksBeforeDelivery: true,
  honoursReceiveMode: true,
  allowsWildcardPublish: false,
  topicMatcher: nucleusMatcher,
  fitsRequest: () => true,
  deliveryOf: () => 'delivered',
  messageJson: javaJson,
  errorBody: (shape, message) => ({
    ...(message === undefined ? {} : { message, _message: message }),
    _service: 'aws.greengrass#GreengrassCoreIPC',
    _errorCode: shape,
  }),
  sayings: SAYINGS.nucleus,
  unserved: (operation) => UNSERVED.nucleus[operation],
  unknown: (operation) => ({
    kind: 'fault',
    text: JSON.stringify({
      error: 'Unsupported Operation',
      message: `${operation} is an unsupported operation.`,
    }),
  }),
  malformed: () => ({ kind: 'fault', text: 'InternalServerError' }),
  denial: (service, resource, whole) => {
    if (service === 'aws.greengrass.ipc.mqttproxy') return 'Not Authorized';
    if (service === 'aws.greengrass.ipc.componentmetric') return whole.replace(/on resource .*$/, '');
    return resource === '' ? 'Resource cannot be empty' : whole;
  },
};

/** Lite reads the first 12 bytes of a packet apart, so its buffer of 10,000 bytes takes packets of 10,012. */
const LITE_PACKET_BYTES = 10_000;

const lite: Behaviour = {
  profile: 'lite',
  maxIncomingBytes: LITE_PACKET_BYTES + 12,
  maxOutgoingBytes: LITE_PACKET_BYTES,
  maxConnections: 50,
  maxSubscriptions: 99,
  maxTopicBytes: 256,
  isSerial: true,
  acksRefusal: false,
  connectsByName: true,
  tellsBreaches: false,
  terminatesUnary: false,
  acksBeforeDelivery: false,
  honoursReceiveMode: false,
  allowsWildcardPublish: true,
  topicMatcher: mqttMatcher,
  fitsRequest: fitsLiteRequest,
  deliveryOf: liteDelivery,
  messageJson: (message) => JSON.stringify(message),
  // Lite's payloads name no `message`, so clients decode an error without one.
  errorBody: (shape, message = '') => ({ _message: message, _errorCode: shape }),
  sayings: SAYINGS.lite,
  unserved: (operation) => UNSERVED.lite[operation],
  unknown: () => refuse('ServiceError', ''),
  malformed: () => refuse('ServiceError', 'Received invalid parameters.'),
  denial: () => 'IPC Operation not authorized.',
};

export function behaviourOf(profile: Profile): Behaviour {
  return profile === 'nucleus' ? nucleus : lite;
}
