import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { bytesOf, elementsOf } from '../../src/tensor/mod.js';
import { extentOf, modelLayout, shapeOf, stridesOf, type Extent } from './layout.js';
import { channelsOf, type Layout, type Steps } from './schema.js';

/** Pixels by batch, channel, row and column, in this order. */
interface Picture extends Extent {
  readonly values: Float32Array;
}

/**
 * The steps as plain arithmetic, outside any graph: for samples, and as the truth that the same steps within a graph
 * are held to.
 * @param sent what an app would send
 * @param spec the input of the model that knows nothing of the steps
 * @throws EdgeError INVALID_ARGUMENT where they do not fit together
 */
export function prepareOutside(sent: Tensor, spec: TensorSpec, steps: Steps, field: string): Tensor {
  const { layout } = steps;
  if (layout === undefined && steps.resize !== undefined) throw refused("'resize' needs a 'layout'", field);
  if (layout === undefined && channelsOf(steps, 3) !== undefined)
    throw refused("'order' needs a 'layout'", field);
  if (layout === undefined) return prepareFlat(sent, spec, steps, field);
  if (layout.length !== sent.shape.length) {
    throw refused(`its layout is ${layout}: it has the shape [${sent.shape.join(', ')}]`, field);
  }
  const target = modelLayout(spec, steps, field);
  const picture = resized(unpacked(sent, layout), wantedSize(spec, target), steps.resize, field);
  checkChannels(picture, spec, target, field);
  normalise(picture, steps, field);
  return packed(reordered(picture, steps, field), target, spec, field);
}

/** Numbers that are no picture: the same arithmetic for each. */
function prepareFlat(sent: Tensor, spec: TensorSpec, steps: Steps, field: string): Tensor {
  const values = Float32Array.from(elementsOf(sent), Number);
  normalise({ N: 1, C: 1, H: 1, W: values.length, values }, steps, field);
  return { ...sent, name: spec.name, datatype: spec.datatype, data: bytesFor(spec, values, field) };
}

function unpacked(sent: Tensor, layout: Layout): Picture {
  const extent = extentOf(layout, sent.shape);
  const from = stridesOf(layout, extent);
  const elements = elementsOf(sent);
  const values = new Float32Array(elements.length);
  let at = 0;
  eachPixel(extent, (n, c, h, w) => {
    values[at++] = Number(elements[n * from.N + c * from.C + h * from.H + w * from.W]);
  });
  return { ...extent, values };
}

function packed(picture: Picture, layout: Layout, spec: TensorSpec, field: string): Tensor {
  const to = stridesOf(layout, picture);
  const values = new Float32Array(picture.values.length);
  let at = 0;
  eachPixel(picture, (n, c, h, w) => {
    values[n * to.N + c * to.C + h * to.H + w * to.W] = picture.values[at++] ?? 0;
  });
  const { name, datatype } = spec;
  return { name, datatype, shape: shapeOf(layout, picture), data: bytesFor(spec, values, field) };
}

function eachPixel(
  { N, C, H, W }: Extent,
  visit: (n: number, c: number, h: number, w: number) => void,
): void {
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++) for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) visit(n, c, h, w);
}

/** A model that takes integers gets the nearest ones. */
function bytesFor({ datatype }: TensorSpec, values: Float32Array, field: string): Uint8Array {
  const isFloat = datatype.startsWith('FP');
  return bytesOf(
    datatype,
    values.length,
    (index) => (isFloat ? (values[index] ?? 0) : Math.round(values[index] ?? 0)),
    field,
  );
}

function wantedSize({ shape }: TensorSpec, layout: Layout): { H: number | undefined; W: number | undefined } {
  const size = (axis: string): number | undefined => {
    const value = shape[layout.indexOf(axis)];
    return typeof value === 'number' && value >= 0 ? value : undefined;
  };
  return { H: size('H'), W: size('W') };
}

function resized(
  picture: Picture,
  wanted: { H: number | undefined; W: number | undefined },
  how: Steps['resize'],
  field: string,
): Picture {
  const { H = picture.H, W = picture.W } = wanted;
  if (H === picture.H && W === picture.W) return picture;
  if (how === undefined) {
    throw refused(
      `it is ${picture.W} × ${picture.H} pixels: the model takes ${W} × ${H}`,
      field,
      "Give 'resize: linear', or a picture of that size",
    );
  }
  const [rows, columns] = [TAPS[how](picture.H, H), TAPS[how](picture.W, W)];
  const values = new Float32Array(picture.N * picture.C * H * W);
  let at = 0;
  for (let plane = 0; plane < picture.N * picture.C; plane++) {
    const base = plane * picture.H * picture.W;
    for (const down of rows) {
      for (const across of columns) values[at++] = weighted(picture, base, down, across);
    }
  }
  return { N: picture.N, C: picture.C, H, W, values };
}

/** A place on the old axis, and its share of a pixel of the new one. */
interface Tap {
  readonly from: number;
  readonly share: number;
}

const TAPS: Readonly<Record<NonNullable<Steps['resize']>, (from: number, to: number) => Tap[][]>> = {
  linear: (from, to) => eachCentre(from, to, (at) => shares(at, from, [1 - fraction(at), fraction(at)], 0)),
  cubic: (from, to) => eachCentre(from, to, (at) => shares(at, from, cubicShares(fraction(at)), 1)),
  // Of two that are equally near, the one before (`round_prefer_floor`).
  nearest: (from, to) => eachCentre(from, to, (at) => shares(Math.ceil(at - 0.5), from, [1], 0)),
};

/** For each place on the new axis, where its pixel's centre lies on the old one (`half_pixel`). */
function eachCentre<T>(from: number, to: number, made: (at: number) => T): T[] {
  return Array.from({ length: to }, (_, index) => made(((index + 0.5) * from) / to - 0.5));
}

function fraction(at: number): number {
  return at - Math.floor(at);
}

/** Beyond its ends an axis goes on with its last pixel. */
function shares(at: number, size: number, given: readonly number[], before: number): Tap[] {
  const first = Math.floor(at) - before;
  return given.map((share, index) => ({ from: Math.min(Math.max(first + index, 0), size - 1), share }));
}

/** Cubic convolution of four pixels, with the same sharpness as in ONNX and OpenCV. */
function cubicShares(t: number): number[] {
  const a = -0.75;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

function weighted(picture: Picture, base: number, down: readonly Tap[], across: readonly Tap[]): number {
  let sum = 0;
  for (const row of down) {
    let inRow = 0;
    for (const { from, share } of across)
      inRow += share * (picture.values[base + row.from * picture.W + from] ?? 0);
    sum += row.share * inRow;
  }
  return sum;
}

function reordered(picture: Picture, steps: Steps, field: string): Picture {
  const { N, C, H, W, values } = picture;
  const channels = channelsOf(steps, C);
  if (channels === undefined) return picture;
  if (C !== 3 && C !== 4) throw refused(`'order' needs 3 or 4 channels: it has ${C}`, field);
  const planes = Array.from({ length: N }, (_, n) => channels.map((channel) => n * C + channel)).flat();
  const moved = new Float32Array(values.length);
  for (const [to, from] of planes.entries())
    moved.set(values.subarray(from * H * W, (from + 1) * H * W), to * H * W);
  return { ...picture, values: moved };
}

/** (x × scale − mean) ÷ std, in place. */
function normalise(picture: Picture, { scale, mean, std }: Steps, field: string): void {
  const { C, H, W, values } = picture;
  const of = (name: string, given: number | readonly number[] | undefined, plain: number) => {
    if (Array.isArray(given) && given.length !== C) {
      throw refused(
        `'${name}' must have one number for each of ${C} channels: it has ${given.length}`,
        field,
      );
    }
    return (channel: number): number =>
      Math.fround(typeof given === 'number' ? given : (given?.[channel] ?? plain));
  };
  const [scaleOf, meanOf, stdOf] = [of('scale', scale, 1), of('mean', mean, 0), of('std', std, 1)];
  for (let index = 0; index < values.length; index++) {
    const channel = Math.floor(index / (H * W)) % C;
    // Each step rounds to 32 bits, as the operators in a graph do.
    const scaled = Math.fround((values[index] ?? 0) * scaleOf(channel));
    values[index] = Math.fround(scaled - meanOf(channel)) / stdOf(channel);
  }
}

function checkChannels({ C }: Picture, { shape }: TensorSpec, layout: Layout, field: string): void {
  const wanted = shape[layout.indexOf('C')];
  if (typeof wanted !== 'number' || wanted < 0 || wanted === C) return;
  throw refused(`it has ${C} channels: the model takes ${wanted}`, field);
}

function refused(
  reason: string,
  field: string,
  nextStep = 'docs/models.md says what each step takes',
): EdgeError {
  return new EdgeError('SAMPLES_INVALID', `Cannot prepare the input '${field}' as ${reason}`, {
    field,
    nextStep,
  });
}
