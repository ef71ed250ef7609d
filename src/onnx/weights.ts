import { numberAt, textAt } from './facts.js';
import { ELEMENT_BITS } from './element-bits.js';
import { walkModel } from './walk.js';
import { fieldsOf } from './wire.js';

/** Files beside the model that may hold its weights: bytes by name. */
export type WeightsFiles = ReadonlyMap<string, number>;

const TENSOR = { dataType: 2, externalData: 13, dataLocation: 14 } as const;
/** Where a tensor's elements stand when they stand in the model itself. */
const INSIDE: ReadonlySet<number> = new Set([3, 4, 5, 6, 7, 9, 10, 11]);
const EXTERNAL = 1;
const ENTRY = { key: 1, value: 2 } as const;
const KEYS: ReadonlySet<string> = new Set(['location', 'offset', 'length']);

/** Whether a tensor says that its elements stand in another file. */
export function isOutside(tensor: Uint8Array): boolean {
  for (const { number, value } of fieldsOf(tensor)) {
    if (number === TENSOR.externalData || (number === TENSOR.dataLocation && value !== 0)) return true;
  }
  return false;
}

/** Whether some weights of a model stand in other files. */
export function hasWeightsOutside(model: Uint8Array): boolean {
  let found = false;
  walkModel(model, {
    node: () => undefined,
    tensor: (bytes) => (found ||= isOutside(bytes)),
  });
  return found;
}

/**
 * Holds a weight that stands in another file to the one way of saying so that leaves nothing to a reader: a file
 * that the package lists, by its plain name, and a place and a length within it that fit type and shape. ONNX
 * Runtime takes more (paths, addresses of memory, weights that were packed before); none of it passes.
 * @returns what is wrong, as the end of a sentence that names the tensor; undefined: nothing
 */
export function wrongOutside(tensor: Uint8Array, elements: number, files: WeightsFiles): string | undefined {
  if (numberAt(tensor, TENSOR.dataLocation) !== EXTERNAL || hasInside(tensor)) {
    return 'says both that its data stand in another file (external data) and that they do not';
  }
  const entries = entriesOf(tensor);
  if (entries === undefined) return 'says of its external data more than where they stand, or says it twice';
  const file = entries.get('location') ?? '';
  const sizeBytes = files.get(file);
  if (sizeBytes === undefined) {
    return `keeps its data in another file (external data) that is no file of weights of the package: ${JSON.stringify(file)}`;
  }
  const offset = wholeOf(entries.get('offset'));
  const length = wholeOf(entries.get('length'));
  const wanted = Math.ceil((elements * (ELEMENT_BITS[numberAt(tensor, TENSOR.dataType) ?? 0] ?? NaN)) / 8);
  if (length !== wanted) return `must have ${wanted} bytes of external data: current value is ${length}`;
  if (offset + length <= sizeBytes) return undefined;
  return `ends at byte ${offset + length} of its external data, ${file} has ${sizeBytes}`;
}

function hasInside(tensor: Uint8Array): boolean {
  for (const { number } of fieldsOf(tensor)) if (INSIDE.has(number)) return true;
  return false;
}

function entriesOf(tensor: Uint8Array): ReadonlyMap<string, string> | undefined {
  const entries = new Map<string, string>();
  for (const { number, bytes } of fieldsOf(tensor)) {
    if (number !== TENSOR.externalData || bytes === undefined) continue;
    const key = textAt(bytes, ENTRY.key);
    if (!KEYS.has(key) || entries.has(key)) return undefined;
    entries.set(key, textAt(bytes, ENTRY.value));
  }
  return entries;
}

/** NaN, which equals nothing, for what is no plain whole number. */
function wholeOf(text: string | undefined): number {
  return text !== undefined && /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : NaN;
}
