import { Type } from '@sinclair/typebox';
import { WireTensor, type Tensor } from '../contract/mod.js';
import { canonicalJson, EdgeError, messageOf, validate } from '../core/mod.js';
import { checkTensorBytes } from '../tensor/mod.js';

/** One golden sample: what a model gave for these inputs when it was packaged. */
export interface GoldenSample {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

const ACTION = 'Cannot read the samples';
const SamplesSchema = Type.Object(
  {
    formatVersion: Type.Literal(1),
    cases: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 256 }),
          inputs: Type.Array(WireTensor),
          outputs: Type.Array(WireTensor),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
);

/** The samples as one canonical JSON file; tensors as on the wire, inline in base64. */
export function encodeSamples(samples: readonly GoldenSample[]): Uint8Array {
  const cases = samples.map(({ name, inputs, outputs }) => ({
    name,
    inputs: inputs.map(toWire),
    outputs: outputs.map(toWire),
  }));
  const written = validate(SamplesSchema, { formatVersion: 1 as const, cases }, 'Cannot write the samples');
  return new TextEncoder().encode(`${canonicalJson(written)}\n`);
}

/**
 * Reads what {@link encodeSamples} wrote. Each tensor's bytes are checked against its shape.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function parseSamples(bytes: Uint8Array): GoldenSample[] {
  const { cases } = validate(SamplesSchema, parseJson(bytes), ACTION);
  return cases.map(({ name, inputs, outputs }, index) => ({
    name,
    inputs: inputs.map((tensor, at) => fromWire(tensor, `cases[${index}].inputs[${at}]`)),
    outputs: outputs.map((tensor, at) => fromWire(tensor, `cases[${index}].outputs[${at}]`)),
  }));
}

function toWire({ name, datatype, shape, data }: Tensor): WireTensor {
  const b64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { name, datatype, shape: [...shape], b64 };
}

function fromWire({ name, datatype, shape, b64 }: WireTensor, field: string): Tensor {
  if (b64 === undefined || !/^[A-Za-z0-9+/]*={0,2}$/.test(b64)) fail(`'${field}.b64' must be base64`, field);
  // A fresh buffer: Buffer's shared pool gives offsets that typed arrays of wide elements refuse.
  const data = new Uint8Array(Buffer.from(b64, 'base64'));
  checkTensorBytes({ name, datatype, shape, data }, field);
  return { name, datatype, shape, data };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return fail(`they are not JSON: ${messageOf(error)}`, undefined, error);
  }
}

function fail(reason: string, field?: string, cause?: unknown): never {
  throw new EdgeError('SAMPLES_INVALID', `${ACTION} as ${reason}`, { field, cause });
}
