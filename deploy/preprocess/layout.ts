import { EdgeError } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import type { Layout, Steps } from './schema.js';

/** Sizes of a picture, or of a batch of them. */
export interface Extent {
  readonly N: number;
  readonly C: number;
  readonly H: number;
  readonly W: number;
}
type Axis = keyof Extent;

function axesOf(layout: Layout): Axis[] {
  return layout.split('') as Axis[];
}

const CHANNELS: ReadonlySet<number | string> = new Set([1, 3, 4]);

/** The sizes that a shape has in a layout; a batch of one where the layout has none. */
export function extentOf(layout: Layout, shape: readonly number[]): Extent {
  const size = (axis: Axis): number => (layout.includes(axis) ? (shape[layout.indexOf(axis)] ?? 1) : 1);
  return { N: size('N'), C: size('C'), H: size('H'), W: size('W') };
}

export function shapeOf(layout: Layout, extent: Extent): number[] {
  return axesOf(layout).map((axis) => extent[axis]);
}

/** Steps between neighbours along each axis, in elements. */
export function stridesOf(layout: Layout, extent: Extent): Extent {
  const strides = { N: 0, C: 0, H: 0, W: 0 };
  let stride = 1;
  for (const axis of axesOf(layout).toReversed()) {
    strides[axis] = stride;
    stride *= extent[axis];
  }
  return strides;
}

/**
 * The layout that a model's input has: as it is said, else where its shape has 1, 3 or 4 channels at one end only.
 * @throws EdgeError INVALID_ARGUMENT where the shape leaves it open
 */
export function modelLayout(
  { name, shape }: TensorSpec,
  { modelLayout: said }: Steps,
  field: string,
): Layout {
  const rank = shape.length;
  if (said !== undefined) {
    if (said.length === rank) return said;
    throw unclear(
      `'${field}.modelLayout' must fit the input's rank ${rank}: current value is ${said}`,
      field,
    );
  }
  const first = rank === 4 ? 1 : 0;
  const isFirst = CHANNELS.has(shape[first] ?? '');
  const isLast = CHANNELS.has(shape[rank - 1] ?? '');
  if ((rank !== 3 && rank !== 4) || isFirst === isLast) {
    throw unclear(
      `the shape [${shape.join(', ')}] of '${name}' does not say where its channels stand`,
      field,
    );
  }
  if (rank === 4) return isFirst ? 'NCHW' : 'NHWC';
  return isFirst ? 'CHW' : 'HWC';
}

function unclear(reason: string, field: string): EdgeError {
  return new EdgeError('FIELD_INVALID', `Cannot prepare the input as ${reason}`, {
    field,
    nextStep: "Say it: 'modelLayout: NCHW' or 'modelLayout: NHWC'",
  });
}
