import type { Datatype, FileRegion, Tensor, WireTensor } from '../../../contract/mod.js';
import {
  checkOneSource,
  checkTensorBytes,
  fromInlineTensor,
  rawBytesOf,
  toInlineTensor,
} from '../../../tensor/mod.js';

/** A tensor whose bytes lie in a file of the caller's exchange folder. */
export interface FileTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly file: FileRegion;
}

/** A tensor on its way to or from a model host: its raw bytes, or the file that has them. */
export type HostTensor = Tensor | FileTensor;

/**
 * Decodes what came inline, once for all who follow.
 * @throws EdgeError INVALID_ARGUMENT (TENSOR_INVALID) naming `field`
 */
export function toHostTensor(wire: WireTensor, field: string): HostTensor {
  const { name, datatype, shape, file } = wire;
  const data = rawBytesOf(wire);
  if (data !== undefined) {
    checkOneSource(wire, field);
    // No copy: they are copied into the frame to the host, and out of it there.
    const tensor = { name, datatype, shape, data };
    checkTensorBytes(tensor, field);
    return tensor;
  }
  if (file === undefined) return fromInlineTensor(wire, field);
  checkOneSource(wire, field);
  return { name, datatype, shape, file };
}

/**
 * As a reply carries it.
 * @param asBytes whether bytes stay as they are, for a way that is not JSON
 */
export function toWireTensor(tensor: HostTensor, asBytes: boolean): WireTensor {
  const { name, datatype, shape } = tensor;
  if ('file' in tensor) return { name, datatype, shape: [...shape], file: tensor.file };
  return asBytes ? { name, datatype, shape: [...shape], bytes: tensor.data } : toInlineTensor(tensor);
}
