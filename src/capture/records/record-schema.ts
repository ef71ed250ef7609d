import { Type, type Static } from '@sinclair/typebox';

/**
 * One line of a captured object. Edge Manager's keys and spelling; what it did not have is added beside them
 * and marked in docs/records.md. Readers tolerate unknown keys.
 */
const mode = Type.Union([Type.Literal('Input'), Type.Literal('Output')]);
const encoding = Type.Union(['CSV', 'JSON', 'NONE', 'BASE64'].map((name) => Type.Literal(name)));
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const RecordItem = Type.Object({
  /** Base64 of the bytes; present where `data-ref` is not. */
  data: Type.Optional(Type.String()),
  /** Key (or URI, where a base is configured) of the file that holds the bytes. */
  'data-ref': Type.Optional(Type.String()),
  encoding,
  mode,
  name: Type.String(),
  /** `Tensor[<type>; d0, d1, ...]` for tensors, a file type such as `jpg` for auxiliary data. */
  observedContentType: Type.String(),
  /** Added: bytes of the value, whether inside or in a file. */
  byteSize: Type.Integer({ minimum: 0 }),
  /** Added: SHA-256 of the file behind `data-ref`. */
  sha256: Type.Optional(sha256),
  /** Added: what redaction did to this item. */
  redaction: Type.Optional(Type.Union([Type.Literal('hash'), Type.Literal('crop')])),
});
export type RecordItem = Static<typeof RecordItem>;

export const EventMetadata = Type.Object({
  deviceFleetName: Type.String(),
  deviceId: Type.String(),
  /** The capture id. */
  eventId: Type.String(),
  /** UTC, to the second, without zone: `2023-05-31T20:05:24`. */
  inferenceTime: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$' }),
  modelName: Type.String(),
  modelVersion: Type.String(),
  /** Added, as all below: SHA-256 of the package's manifest. */
  packageDigest: Type.String(),
  /** The execution provider that computed it, where that was not the agent's own ONNX Runtime on the CPU. */
  provider: Type.Optional(Type.String()),
  /** Tags of the policies that asked for the record. */
  reasons: Type.Array(Type.String()),
  priority: Type.String(),
  /** With `sequenceNumber`: a device's records in order, whatever its clock did. */
  bootId: Type.String(),
  sequenceNumber: Type.Integer({ minimum: 0 }),
  /** Milliseconds of the boot's monotonic clock. */
  monotonicTimeMs: Type.Number(),
  /** Milliseconds since the Unix epoch; the exact form of `inferenceTime`. */
  inferenceTimeMs: Type.Integer({ minimum: 0 }),
  /** Whether the device's clock was known to be right when it ran the inference. */
  clockSynchronised: Type.Boolean(),
  /** Where the clock was wrong and later put right: what the device believed. `inferenceTime` is the corrected one. */
  deviceTimeMs: Type.Optional(Type.Number()),
  redactions: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), mode: Type.String(), action: Type.String() })),
  ),
});
export type EventMetadata = Static<typeof EventMetadata>;

/** Edge Manager's `eventVersion`. Another form of record gets another number, and a parser of its own. */
export const EVENT_VERSION = '0';

/** docs/records.schema.json is this. */
export const CapturedRecord = Type.Object(
  {
    deviceFleetAuxiliaryInputs: Type.Array(RecordItem),
    deviceFleetAuxiliaryOutputs: Type.Array(RecordItem),
    deviceFleetInputs: Type.Array(RecordItem),
    deviceFleetOutputs: Type.Array(RecordItem),
    eventMetadata: EventMetadata,
    eventVersion: Type.Literal(EVENT_VERSION),
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:edgemanager:record:v0',
    title: 'A captured record of Edge Manager',
  },
);
export type CapturedRecord = Static<typeof CapturedRecord>;
