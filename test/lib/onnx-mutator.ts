import type { Random } from '../../src/core/mod.js';
import { MESSAGES, type MessageName } from '../../src/onnx/mod.js';
import { tag, varint } from './protobuf-writer.js';

/** A message as a tree that can be changed and written again, also in ways that no proper writer has. */
interface Field {
  number: number;
  wireType: number;
  /** Of a varint. */
  value?: bigint;
  /** Of a length-delimited field that is no known message. */
  bytes?: Uint8Array;
  /** Of a known message. */
  fields?: Field[];
  message?: MessageName;
  padTag?: number;
  padLength?: number;
  above?: bigint;
  grouped?: boolean;
}

const EDGES = [
  0n,
  1n,
  2n,
  7n,
  16n,
  2n ** 31n,
  2n ** 32n,
  2n ** 32n + 1n,
  2n ** 40n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const TEXTS = [
  '',
  'x',
  'y',
  'w0',
  'ai.onnx',
  'com.microsoft',
  'com.evil',
  'EPContext',
  'Relu',
  'x\0',
  'axis',
  'n',
];

/**
 * Changes ONNX files by their structure: fields twice, gone, elsewhere, of another wire type or number, numbers at
 * the edges of their types, names of each other, and the wire's own tricks (padding, high tags, groups).
 */
export class OnnxMutator {
  readonly #random: Random;
  readonly #seeds: readonly Uint8Array[];

  constructor(seeds: readonly Uint8Array[], random: Random) {
    this.#seeds = seeds;
    this.#random = random;
  }

  /** A mutant of one of the seeds. */
  next(): Uint8Array {
    const root = parse(this.#pick(this.#seeds), 'Model');
    for (let edits = 1 + this.#below(2); edits > 0; edits--) this.#edit(root);
    const bytes = write(root);
    return this.#below(12) === 0 ? this.#flip(bytes) : bytes;
  }

  #edit(root: Field[]): void {
    const places = [...listsOf(root)];
    const list = this.#pick(places);
    const at = this.#below(list.length);
    const field = list[at];
    if (field === undefined) return;
    switch (this.#below(11)) {
      case 0:
        list.splice(at, 0, structuredClone(field));
        break;
      case 1:
        list.splice(at, 1);
        break;
      case 2:
        list.splice(this.#below(list.length), 0, ...list.splice(at, 1));
        break;
      case 3:
        this.#wireTrick(field);
        break;
      case 4:
        this.#splice(list, field, places);
        break;
      case 5:
        list.push({ number: 1 + this.#below(40), wireType: 2, bytes: this.#text() });
        break;
      case 6:
        list.push({ number: 1 + this.#below(30), wireType: 0, value: this.#pick(EDGES) });
        break;
      default:
        this.#content(field);
    }
  }

  #content(field: Field): void {
    if (field.value !== undefined)
      field.value = this.#below(2) === 0 ? this.#pick(EDGES) : BigInt(this.#below(20));
    else if (field.fields === undefined && field.wireType === 2) field.bytes = this.#text();
    else if (field.bytes !== undefined) field.bytes = this.#flip(field.bytes);
  }

  #wireTrick(field: Field): void {
    switch (this.#below(5)) {
      case 0:
        field.padTag = 2 + this.#below(5);
        break;
      case 1:
        field.padLength = 2 + this.#below(8);
        break;
      case 2:
        field.above = BigInt(1 + this.#below(8)) << 32n;
        break;
      case 3:
        field.grouped = true;
        break;
      default:
        field.number = 1 + this.#below(30);
    }
  }

  /** A field of another message of the same kind, perhaps one that this one has already. */
  #splice(list: Field[], field: Field, places: readonly Field[][]): void {
    const others = places
      .flat()
      .filter((one) => one.message === field.message && one.wireType === field.wireType);
    list.push(structuredClone({ ...this.#pick(others), number: field.number }));
  }

  #text(): Uint8Array {
    return this.#below(4) === 0 ? Uint8Array.of(0xff, this.#below(256)) : Buffer.from(this.#pick(TEXTS));
  }

  #flip(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const changed = Uint8Array.from(bytes);
    const at = this.#below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << this.#below(8));
    return changed;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[this.#below(from.length)];
    if (one === undefined) throw new Error('Cannot pick from nothing');
    return one;
  }
}

function* listsOf(fields: Field[]): Generator<Field[]> {
  yield fields;
  for (const { fields: inner } of fields) if (inner !== undefined) yield* listsOf(inner);
}

/** A lenient reader of what our own writers make. */
function parse(bytes: Uint8Array, message: MessageName): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const number = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (size: number): Uint8Array => bytes.slice(at, (at += size));
  while (at < bytes.length) {
    const key = Number(number());
    const field: Field = { number: key >> 3, wireType: key & 7 };
    if (field.wireType === 0) field.value = number();
    else if (field.wireType === 2) content(field, take(Number(number())), message);
    else field.bytes = take(field.wireType === 1 ? 8 : 4);
    fields.push(field);
  }
  return fields;
}

function content(field: Field, bytes: Uint8Array, message: MessageName): void {
  const kind = MESSAGES[message][field.number]?.kind;
  if (kind !== undefined && kind in MESSAGES) {
    field.message = kind as MessageName;
    field.fields = parse(bytes, field.message);
  } else field.bytes = bytes;
}

function write(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.map(writeField));
}

function writeField(field: Field): Uint8Array {
  const { number, wireType, above = 0n, padTag = 1, padLength = 1 } = field;
  const options = { above, padTo: padTag };
  if (field.grouped === true) {
    return Buffer.concat([tag(number, 3, options), write(field.fields ?? []), tag(number, 4)]);
  }
  const head = tag(number, wireType, options);
  if (wireType === 0) return Buffer.concat([head, varint(field.value ?? 0n, padLength)]);
  const body = field.fields === undefined ? (field.bytes ?? new Uint8Array()) : write(field.fields);
  return wireType === 2
    ? Buffer.concat([head, varint(body.length, padLength), body])
    : Buffer.concat([head, body]);
}
