import { ELEMENT_BYTES, type Tensor } from '../../contract/mod.js';
import type { Steps } from '../../core/mod.js';

/** `[from, to)` per axis; null keeps the whole axis. */
export type CropRanges = readonly (readonly [number, number] | null)[];

/** Bytes that are copied between two pauses; a run costs as much as some bytes more. */
const STEP_BYTES = 256 * 1024;
const RUN_COST_BYTES = 64;

/**
 * The box of `tensor` that the ranges keep, cut at the tensor's bounds, as a copy. Pauses, as a tensor may be large.
 * @returns undefined where it can't be cut: BYTES, another rank, bytes that do not match the shape, an empty box
 */
export function* cropTensor(tensor: Tensor, ranges: CropRanges): Steps<Tensor | undefined> {
  const width = ELEMENT_BYTES[tensor.datatype];
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  if (width === 0 || ranges.length !== tensor.shape.length || tensor.data.byteLength !== elements * width) {
    return undefined;
  }
  const bounds = tensor.shape.map((size, axis): readonly [number, number] => {
    const [from, to] = ranges[axis] ?? [0, size];
    return [Math.min(from, size), Math.min(to, size)];
  });
  const shape = bounds.map(([from, to]) => to - from);
  if (shape.some((size) => size <= 0)) return undefined;
  const data = new Uint8Array(shape.reduce((product, size) => product * size, width));
  yield* copyBox(tensor, bounds, width, data);
  return { ...tensor, shape, data };
}

/** Copies run by run along the last axis, counting the other axes like an odometer. */
function* copyBox(
  tensor: Tensor,
  bounds: readonly (readonly [number, number])[],
  width: number,
  into: Uint8Array,
): Steps<void> {
  const [lastFrom, lastTo] = bounds.at(-1) ?? [0, 1];
  const runBytes = (lastTo - lastFrom) * width;
  const position = bounds.slice(0, -1).map(([from]) => from);
  let sincePause = 0;
  for (let written = 0; written < into.byteLength; written += runBytes) {
    let element = 0;
    tensor.shape.forEach((size, axis) => {
      element = element * size + (axis < position.length ? (position[axis] ?? 0) : lastFrom);
    });
    yield* copyRun(tensor.data, element * width, into, written, runBytes);
    for (let axis = position.length - 1; axis >= 0; axis--) {
      const [from, to] = bounds[axis] ?? [0, 0];
      position[axis] = (position[axis] ?? 0) + 1;
      if ((position[axis] ?? 0) < to) break;
      position[axis] = from;
    }
    // Long runs pause by themselves.
    sincePause += (runBytes % STEP_BYTES) + RUN_COST_BYTES;
    if (sincePause < STEP_BYTES) continue;
    sincePause = 0;
    yield;
  }
}

function* copyRun(
  source: Uint8Array,
  from: number,
  into: Uint8Array,
  at: number,
  bytes: number,
): Steps<void> {
  for (let done = 0; done < bytes; done += STEP_BYTES) {
    const pieceBytes = Math.min(STEP_BYTES, bytes - done);
    into.set(source.subarray(from + done, from + done + pieceBytes), at + done);
    if (pieceBytes === STEP_BYTES) yield;
  }
}
