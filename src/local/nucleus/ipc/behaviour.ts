import type { Json, JsonObject } from '../../../core/mod.js';
import type { Profile } from '../api/mod.js';
import { javaJson } from './java-json.js';
import { fitsLiteDelivery, fitsLiteRequest } from './lite-limits.js';
import { refuse, type ErrorShape, type Reply } from './reply.js';
import { mqttMatcher, nucleusMatcher, type TopicMatcher } from './topics.js';

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
  readonly answersPings: boolean;
  /** The only response of a unary operation carries the terminate-stream flag. */
  readonly terminatesUnary: boolean;
  readonly acksBeforeDelivery: boolean;
  readonly honoursReceiveMode: boolean;
  readonly allowsWildcardPublish: boolean;
  topicMatcher(filter: string): TopicMatcher;
  /** Whether a decoded request fits the nucleus' memory. */
  fitsRequest(request: Json): boolean;
  /** Whether a jsonMessage can reach a subscriber; if not, the subscription goes deaf. */
  fitsDelivery(message: Json): boolean;
  /** JSON text of a jsonMessage as subscribers get it. */
  messageJson(message: Json): string;
  errorBody(shape: ErrorShape, message: string): JsonObject;
  unsupported(operation: string): Reply;
  malformed(): Reply;
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
  answersPings: true,
  terminatesUnary: true,
  acksBeforeDelivery: true,
  honoursReceiveMode: true,
  allowsWildcardPublish: false,
  topicMatcher: nucleusMatcher,
  fitsRequest: () => true,
  fitsDelivery: () => true,
  messageJson: javaJson,
  errorBody: (shape, message) => ({
    message,
    _service: 'aws.greengrass',
    _message: message,
    _errorCode: shape,
  }),
  unsupported: (operation) => refuse('ServiceError', `Operation ${operation} is not supported by Greengrass`),
  malformed: () => ({ kind: 'fault', text: 'InternalServerError' }),
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
  answersPings: false,
  terminatesUnary: false,
  acksBeforeDelivery: false,
  honoursReceiveMode: false,
  allowsWildcardPublish: true,
  topicMatcher: mqttMatcher,
  fitsRequest: fitsLiteRequest,
  fitsDelivery: fitsLiteDelivery,
  messageJson: (message) => JSON.stringify(message),
  // Lite's payloads name no `message`, so clients decode an error without one.
  errorBody: (shape, message) => ({ _message: message, _errorCode: shape }),
  unsupported: () => refuse('ServiceError', ''),
  malformed: () => refuse('ServiceError', 'Received invalid parameters.'),
};

export function behaviourOf(profile: Profile): Behaviour {
  return profile === 'nucleus' ? nucleus : lite;
}
