import { Type } from '@sinclair/typebox';
import { AuxiliaryData } from './captures.js';
import { captureId, modelName, selector, tensors, version } from './fields.js';
import { operation } from './operation.js';
import { FileRegion, MAX_TENSORS } from './tensor.js';
import { predictTopic, topics } from './topics.js';

const auxiliary = Type.Unsafe<AuxiliaryData>(AuxiliaryData);

export const predictOperation = operation({
  op: 'predict',
  summary: 'Run a model; tensors inline or by file',
  topic: predictTopic('+'),
  resendAfterMs: 2000,
  request: Type.Object({
    ...selector,
    inputs: tensors,
    /** Names of wanted outputs; absent: all. */
    outputs: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: MAX_TENSORS })),
    /** Where outputs go that do not fit inline; the region must exist (size checked before writing). */
    outputFile: Type.Optional(FileRegion),
    /** `always` samples this request whatever the policies say, `never` keeps it out. Default: the policies decide. */
    capture: Type.Optional(Type.Union([Type.Literal('always'), Type.Literal('never')])),
    captureId: Type.Optional(captureId),
  }),
  reply: Type.Object({
    model: Type.String(),
    version: Type.String(),
    outputs: tensors,
    /** Present where this request was sampled, or may be by a policy that looks at outputs. */
    captureId: Type.Optional(Type.String()),
    queueMs: Type.Number(),
    runMs: Type.Number(),
  }),
});

export const captureSubmitOperation = operation({
  op: 'capture',
  summary: "Keep inputs and outputs of the app's choice (Edge Manager's CaptureData)",
  topic: topics.captureSubmit,
  resendAfterMs: 2000,
  request: Type.Object({
    modelName,
    version: Type.Optional(version),
    captureId,
    /** Edge Manager's own Timestamp: refused with OUT_OF_RANGE when in the future. Absent: now. */
    inferenceTimestamp: Type.Optional(
      Type.Object({
        seconds: Type.Integer(),
        nanos: Type.Optional(Type.Integer({ minimum: 0, maximum: 999_999_999 })),
      }),
    ),
    inputTensors: Type.Optional(tensors),
    outputTensors: Type.Optional(tensors),
    inputs: Type.Optional(Type.Array(auxiliary, { maxItems: MAX_TENSORS })),
    outputs: Type.Optional(Type.Array(auxiliary, { maxItems: MAX_TENSORS })),
  }),
  reply: Type.Object({
    captureId: Type.String(),
    mode: Type.Union([Type.Literal('durable'), Type.Literal('interval')]),
  }),
});

/** Edge Manager's enumeration, and where the record is in our own words. */
export const captureStatusOperation = operation({
  op: 'captureStatus',
  summary: 'Where a capture is (GetCaptureDataStatus)',
  topic: topics.captureStatus,
  resendAfterMs: 1000,
  request: Type.Object({ captureId }),
  reply: Type.Object({
    captureId: Type.String(),
    status: Type.Union(['FAILURE', 'SUCCESS', 'IN_PROGRESS', 'NOT_FOUND'].map((s) => Type.Literal(s))),
    state: Type.Union(
      ['PENDING', 'SPOOLED', 'UPLOADED', 'DROPPED', 'QUARANTINED', 'UNKNOWN'].map((s) => Type.Literal(s)),
    ),
    reason: Type.Optional(Type.String()),
  }),
});
