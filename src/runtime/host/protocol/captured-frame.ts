import { Type } from '@sinclair/typebox';
import { PRIORITIES, type CaptureRecord, type Priority, type RedactionNote } from '../../../capture/mod.js';
import { DATATYPES, MAX_RANK, type Datatype, type Tensor } from '../../../contract/mod.js';
import { checkedJson, validate } from '../../../core/mod.js';
import { encodeFrame, type Frame } from '../../../framing/mod.js';
import { tensorByteSize } from '../../../tensor/mod.js';
import { unreadable } from './fields.js';
import { parseJson } from './control-frames.js';
import { KIND } from './kinds.js';
import { PayloadParts } from './tensors.js';

const text = Type.String();
const tensor = Type.Object({
  name: text,
  datatype: Type.Unsafe<Datatype>(Type.String({ enum: [...DATATYPES] })),
  shape: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: MAX_RANK }),
  byteSize: Type.Integer({ minimum: 0 }),
});
const note = Type.Object({
  name: text,
  mode: Type.String({ enum: ['input', 'output'] }),
  action: Type.String({ enum: ['drop', 'hash', 'crop'] }),
});
const Captured = Type.Object({
  captureId: text,
  model: text,
  modelVersion: text,
  packageDigest: text,
  reasons: Type.Array(text),
  priority: Type.Unsafe<Priority>(Type.String({ enum: [...PRIORITIES] })),
  inferenceTimeMs: Type.Number(),
  clockSynchronised: Type.Boolean(),
  inputs: Type.Array(tensor),
  outputs: Type.Array(tensor),
  redactions: Type.Optional(Type.Unsafe<RedactionNote[]>(Type.Array(note))),
});
const WHAT = 'the record of a host';

/** A sampled record as it leaves a host. */
export function encodeCaptured(record: CaptureRecord): Buffer {
  const { inputs, outputs, redactions, reasons, ...rest } = record;
  const described = {
    ...rest,
    reasons: [...reasons],
    inputs: inputs.map(describe),
    outputs: outputs.map(describe),
    ...(redactions === undefined ? {} : { redactions: [...redactions] }),
  };
  const metadata = Buffer.from(checkedJson(Captured, described, `Cannot write ${WHAT}`));
  const payload = [...inputs, ...outputs].map(({ data }) => data);
  return encodeFrame({ kind: KIND.captured, id: 0, metadata, payload });
}

/** @throws EdgeError INVALID_ARGUMENT where the frame is none, or a tensor is not as long as it says of itself */
export function decodeCaptured({ metadata, payload }: Frame): CaptureRecord {
  const { inputs, outputs, ...rest } = validate(Captured, parseJson(metadata), `Cannot read ${WHAT}`);
  const parts = new PayloadParts(payload);
  const take = ({ byteSize, ...form }: (typeof inputs)[number]): Tensor => {
    const wanted = tensorByteSize(form.datatype, form.shape);
    if (wanted !== undefined && wanted !== byteSize)
      throw unreadable(`'${form.name}' must have ${wanted} bytes`, byteSize);
    return { ...form, data: parts.next(byteSize) };
  };
  const record = { ...rest, inputs: inputs.map(take), outputs: outputs.map(take) };
  parts.end();
  return record;
}

function describe({ name, datatype, shape, data }: Tensor): {
  name: string;
  datatype: Datatype;
  shape: number[];
  byteSize: number;
} {
  return { name, datatype, shape: [...shape], byteSize: data.byteLength };
}
