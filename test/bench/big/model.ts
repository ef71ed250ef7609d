import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { externalTensor, node, onnxModel, type GraphSpec } from '../../lib/onnx-builder.js';

/** One weight is a square of this side: 64 MiB. */
const SIDE = 4096;
const WEIGHT_BYTES = SIDE * SIDE * 4;

/** A chain of products with weights that all differ, which is what large models are made of. */
function chain(layers: number): GraphSpec {
  const value = (name: string) => ({ name, datatype: 'FP32', shape: [1, SIDE] }) as const;
  const names = Array.from({ length: layers }, (_, layer) => layer);
  return {
    inputs: [value('x')],
    outputs: [value('y')],
    nodes: [
      ...names.map((layer) =>
        node('MatMul', [layer === 0 ? 'x' : `h${layer - 1}`, `w${layer}`], [`h${layer}`]),
      ),
      node('Tanh', [`h${layers - 1}`], ['y']),
    ],
  };
}

/** Small, so that a product of many keeps its scale: 1/64 by sign. */
function fillWeight(weight: Float32Array, layer: number): void {
  let state = (layer + 1) * 2_654_435_761;
  for (let at = 0; at < weight.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    weight[at] = (state & 0x8000_0000) === 0 ? 1 / 64 : -1 / 64;
  }
}

/** @returns bytes of the model with its weights */
export async function writeBeside(folder: string, layers: number): Promise<number> {
  const initializers = Array.from({ length: layers }, (_, layer) =>
    externalTensor(`w${layer}`, 'FP32', [SIDE, SIDE], {
      location: 'model.data',
      offset: String(layer * WEIGHT_BYTES),
      length: String(WEIGHT_BYTES),
    }),
  );
  const model = onnxModel({ ...chain(layers), initializers });
  await writing(join(folder, 'model.onnx'), (file) => file.writeFile(model));
  await writing(join(folder, 'model.data'), (file) => writeWeights(file, layers, async () => undefined));
  return model.length + layers * WEIGHT_BYTES;
}

/** The same as one file: written field by field, as no message of a gigabyte needs to be in memory. */
export async function writeInside(folder: string, layers: number): Promise<number> {
  const path = join(folder, 'model.onnx');
  // Weights go behind what the graph holds otherwise: the order of fields means nothing.
  const { before, body } = splitGraph(onnxModel(chain(layers)));
  const headers = Array.from({ length: layers }, (_, layer) => tensorHeader(layer));
  const tensorBytes = headers.map((header) => header.length + WEIGHT_BYTES);
  const fields = tensorBytes.map((sizeBytes) => Buffer.concat([Buffer.from([0x2a]), varint(sizeBytes)]));
  const graphBytes = fields.reduce(
    (sum, field, at) => sum + field.length + (tensorBytes[at] ?? 0),
    body.length,
  );
  await writing(path, async (file) => {
    await file.writeFile(Buffer.concat([before, Buffer.from([0x3a]), varint(graphBytes), body]));
    await writeWeights(file, layers, async (layer) => {
      await file.writeFile(Buffer.concat([fields[layer] ?? Buffer.of(), headers[layer] ?? Buffer.of()]));
    });
  });
  return before.length + graphBytes;
}

/** Fields of a model by our builder: varints and messages of less than 2^28 bytes. */
function splitGraph(model: Uint8Array): { before: Buffer; body: Buffer } {
  const before: Uint8Array[] = [];
  let body = Buffer.of();
  for (let at = 0; at < model.length;) {
    const begin = at;
    const tag = model[at++] ?? 0;
    let length = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = model[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
    }
    if ((tag & 7) === 2) at += length;
    if (tag === 0x3a) body = Buffer.from(model.subarray(at - length, at));
    else before.push(model.subarray(begin, at));
  }
  return { before: Buffer.concat(before), body };
}

/** dims, type and name of a weight, and how its raw bytes begin. */
function tensorHeader(layer: number): Buffer {
  const name = Buffer.from(`w${layer}`);
  const side = varint(SIDE);
  return Buffer.concat([
    Buffer.from([0x08]),
    side,
    Buffer.from([0x08]),
    side,
    Buffer.from([0x10, 1, 0x42, name.length]),
    name,
    Buffer.from([0x4a]),
    varint(WEIGHT_BYTES),
  ]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

async function writeWeights(
  file: FileHandle,
  layers: number,
  before: (layer: number) => Promise<void>,
): Promise<void> {
  const weight = new Float32Array(SIDE * SIDE);
  for (let layer = 0; layer < layers; layer++) {
    fillWeight(weight, layer);
    await before(layer);
    await file.writeFile(new Uint8Array(weight.buffer));
  }
}

async function writing(path: string, act: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await act(file);
  } finally {
    await file.close();
  }
}
