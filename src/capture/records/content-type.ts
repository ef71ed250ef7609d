import { DATATYPES, type Datatype } from '../../contract/mod.js';

/** Element types by Edge Manager's names, where it had one; the others keep their Open Inference Protocol name. */
const EDGE_MANAGER_NAMES: Partial<Record<Datatype, string>> = {
  FP16: 'FLOAT16',
  FP32: 'FLOAT32',
  FP64: 'FLOAT64',
};

/** `Tensor[FLOAT32; 1, 3, 224, 224]`; a scalar is `Tensor[FLOAT32]`. */
export function tensorContentType(datatype: Datatype, shape: readonly number[]): string {
  const name = EDGE_MANAGER_NAMES[datatype] ?? datatype;
  return shape.length === 0 ? `Tensor[${name}]` : `Tensor[${name}; ${shape.join(', ')}]`;
}

export function parseTensorContentType(
  text: string,
): { readonly datatype: Datatype; readonly shape: readonly number[] } | undefined {
  const match = /^Tensor\[(\w+)(?:; (\d+(?:, \d+)*))?\]$/.exec(text);
  const datatype = DATATYPES.find((name) => (EDGE_MANAGER_NAMES[name] ?? name) === match?.[1]);
  if (match === null || datatype === undefined) return undefined;
  return { datatype, shape: match[2] === undefined ? [] : match[2].split(', ').map(Number) };
}
