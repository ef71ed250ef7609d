import type { AuxiliaryItem } from '../../capture/mod.js';
import type { AuxiliaryData, FileRegion, Tensor, WireTensor } from '../../contract/mod.js';
import { EdgeError, finishInTurns, MEBIBYTE } from '../../core/mod.js';
import { nextTurn } from '../../system/mod.js';
import {
  checkOneSource,
  fromInlineTensor,
  rawBytesOf,
  tensorByteSize,
  tensorBytesChecked,
} from '../../tensor/mod.js';
import { AsyncExchangeFolder, folderUnknown } from '../host/port/mod.js';

/** The control process holds one record's tensors in memory. */
const MAX_RECORD_BYTES = 64 * MEBIBYTE;

/** A submitted record's tensors and items with their bytes at hand. Each size is checked before its bytes are read. */
export class SubmittedValues {
  readonly #files: AsyncExchangeFolder | undefined;
  #bytes = 0;

  /** @param folder the caller's exchange folder; undefined where it has none */
  constructor(folder: string | undefined) {
    this.#files = folder === undefined ? undefined : new AsyncExchangeFolder(folder);
  }

  async tensors(wires: readonly WireTensor[], side: string): Promise<readonly Tensor[]> {
    const tensors: Tensor[] = [];
    for (const [index, wire] of wires.entries()) {
      const field = `${side}[${index}]`;
      tensors.push(
        wire.file === undefined
          ? fromInlineTensor(wire, field)
          : await this.#fromFile(wire, wire.file, field),
      );
    }
    return tensors;
  }

  async items(items: readonly AuxiliaryData[], side: string): Promise<readonly AuxiliaryItem[]> {
    const read: AuxiliaryItem[] = [];
    for (const [index, item] of items.entries()) {
      const { name, encoding, b64, file, contentType } = item;
      const field = `${side}[${index}]`;
      const inline = rawBytesOf(item) ?? (b64 === undefined ? undefined : Buffer.from(b64, 'base64'));
      const source = inline ?? file;
      if (source === undefined || (inline !== undefined && file !== undefined)) {
        throw new EdgeError('FIELD_INVALID', `Cannot read '${field}' as it must have one of b64 and file`, {
          field,
        });
      }
      const data = source instanceof Uint8Array ? source : await this.#read(source, `${field}.file`);
      read.push({ name, encoding, ...(contentType === undefined ? {} : { contentType }), data });
    }
    return read;
  }

  async #fromFile(wire: WireTensor, file: FileRegion, field: string): Promise<Tensor> {
    checkOneSource(wire, field);
    const { name, datatype, shape } = wire;
    const wanted = tensorByteSize(datatype, shape, `${field}.shape`);
    // Some clients of Edge Manager leave the size at 0 and mean the shape's.
    const byteSize = file.byteSize === 0 && wanted !== undefined ? wanted : file.byteSize;
    if (wanted !== undefined && wanted !== byteSize) {
      throw new EdgeError(
        'TENSOR_INVALID',
        `Cannot read the tensor '${field}' as its file region must hold ${wanted} bytes: current size is ${byteSize}`,
        { field: `${field}.file.byteSize` },
      );
    }
    const data = await this.#read({ ...file, byteSize }, `${field}.file`);
    const tensor = { name, datatype, shape: [...shape], data };
    await finishInTurns(tensorBytesChecked(tensor, field), nextTurn);
    return tensor;
  }

  async #read(file: FileRegion, field: string): Promise<Uint8Array> {
    if (this.#files === undefined) throw folderUnknown(field);
    this.#bytes += file.byteSize;
    if (this.#bytes > MAX_RECORD_BYTES) {
      throw new EdgeError(
        'RECORD_TOO_LARGE',
        `Cannot capture more than ${MAX_RECORD_BYTES} bytes in one record`,
        { field },
      );
    }
    return await this.#files.read(file, field);
  }
}
