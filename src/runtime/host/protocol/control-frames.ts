import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { checkedJson, EdgeError, validate, type JsonObject } from '../../../core/mod.js';
import { encodeFrame, type Frame } from '../../../framing/mod.js';
import { KIND, PROTOCOL, PROTOCOL_MAJOR, MOST_FRAME_BYTES } from './kinds.js';

/** Frames that load, change and end; their metadata is JSON, checked as it is written and as it is read. */
type Kind = (typeof KIND)[keyof typeof KIND];

export const handle = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });
export const jsonObject = Type.Unsafe<JsonObject>(Type.Object({}));
const protocol = Type.String({ pattern: String.raw`^\d{1,9}\.\d{1,9}$` });
const limits = Type.Object({ frameBytes: Type.Integer({ minimum: 65_536, maximum: 0xffff_ffff }) });

export const ControlHello = Type.Object({ protocol, limits });

/** What a host is. */
export const HostHello = Type.Object({
  protocol,
  engine: Type.String({ minLength: 1, maxLength: 64 }),
  engineVersion: Type.String({ maxLength: 64 }),
  language: Type.String({ maxLength: 64 }),
  providers: Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64 }),
  captures: Type.Unsafe<'host' | 'control'>(Type.String({ enum: ['host', 'control'] })),
  limits,
  confinement: Type.Object({ phrase: Type.String({ maxLength: 256 }), isHeld: Type.Boolean() }),
});
export type HostHello = Static<typeof HostHello>;

export const UnloadOrder = Type.Object({ handle });
export const CaptureOrder = Type.Object({ handle, capture: Type.Optional(jsonObject) });
export const MemoryReport = Type.Object({ deviceBytes: Type.Integer({ minimum: 0 }) });
export const Nothing = Type.Object({});

/** @throws EdgeError INTERNAL where the value does not fit its own schema */
export function encodeControl<S extends TSchema>(
  kind: Kind,
  id: number,
  schema: S,
  value: Static<S>,
): Buffer {
  const metadata = Buffer.from(checkedJson(schema, value, 'Cannot write the frame'));
  return encodeFrame({ kind, id, metadata });
}

/** A frame that is its kind and its id. */
export function encodeBare(kind: Kind, id: number): Buffer {
  return encodeFrame({ kind, id });
}

/** @throws EdgeError INVALID_ARGUMENT (MESSAGE_UNREADABLE, or of the field that is wrong) */
export function decodeControl<S extends TSchema>(schema: S, { metadata }: Frame): Static<S> {
  return validate(schema, parseJson(metadata), 'Cannot read the frame');
}

export function parseJson(metadata: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength).toString());
  } catch (cause) {
    throw new EdgeError('MESSAGE_UNREADABLE', 'Cannot read the frame as its metadata must be JSON', {
      cause,
    });
  }
}

export function controlHello(): Buffer {
  const hello = { protocol: PROTOCOL, limits: { frameBytes: MOST_FRAME_BYTES } };
  return encodeControl(KIND.hello, 0, ControlHello, hello);
}

/** The hello of the host in Node. */
export function hostHello(found: Pick<HostHello, 'engineVersion' | 'language' | 'confinement'>): Buffer {
  return encodeControl(KIND.hostHello, 0, HostHello, {
    protocol: PROTOCOL,
    engine: 'onnxruntime',
    providers: ['CPUExecutionProvider'],
    captures: 'host',
    limits: { frameBytes: MOST_FRAME_BYTES },
    ...found,
  });
}

/** @throws EdgeError FAILED_PRECONDITION where the other side speaks another major version */
export function checkProtocol(other: string): void {
  if (Number(other.split('.')[0]) === PROTOCOL_MAJOR) return;
  throw new EdgeError(
    'FAILED_PRECONDITION',
    `Cannot speak with this program as its version of the host protocol must be ${PROTOCOL_MAJOR}.x: current value is ${other}`,
    { nextStep: 'Install agent and model host of one release' },
  );
}
