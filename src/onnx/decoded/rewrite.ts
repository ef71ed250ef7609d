import { EdgeError } from '../../core/mod.js';
import { FILE_MAX_BYTES } from '../../model/mod.js';
import { domainName, foreignFormatOf } from '../mod.js';
import {
  fixedSize,
  isExternal,
  symbolOf,
  type OnnxDimension,
  type OnnxGraph,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValueInfo,
} from './proto.js';
import { nodesOf, tensorsOf } from './walk.js';

const DIMENSIONS =
  'Give --dim NAME=SIZE or --dim INPUT.AXIS=SIZE for what edge-manager inspect shows as open';

/**
 * Gives dynamic dimensions a fixed size, in place. A key is a symbol (`batch`), or an input with an axis
 * (`input.0`) for dimensions without a symbol. A symbol is fixed wherever it stands, outputs included.
 * @throws EdgeError INVALID_ARGUMENT for a key that names no dynamic dimension
 */
export function fixDimensions(model: OnnxModel, sizes: Readonly<Record<string, number>>): void {
  const { graph } = model;
  if (graph == null) return;
  for (const [key, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1 || size > FILE_MAX_BYTES) {
      fail(key, `its size must be a whole number of at least 1: current value is ${size}`, DIMENSIONS);
    }
    const fixed = fixSymbol(graph, key, size) + fixAxis(graph, key, size);
    if (fixed === 0)
      fail(
        key,
        `the model has no such dynamic dimension: it has ${dynamicNames(graph).join(', ') || 'none'}`,
        DIMENSIONS,
      );
  }
}

function fixSymbol(graph: OnnxGraph, symbol: string, size: number): number {
  let fixed = 0;
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    for (const dimension of dimensionsOf(value)) {
      if (symbolOf(dimension) !== symbol) continue;
      setSize(dimension, size);
      fixed++;
    }
  }
  return fixed;
}

function fixAxis(graph: OnnxGraph, key: string, size: number): number {
  const at = key.lastIndexOf('.');
  const input = graph.input.find(({ name }) => name === key.slice(0, at));
  const dimension = input === undefined ? undefined : dimensionsOf(input)[Number(key.slice(at + 1))];
  if (dimension === undefined || !isDynamic(dimension)) return 0;
  setSize(dimension, size);
  return 1;
}

function setSize(dimension: OnnxDimension, size: number): void {
  delete dimension.dimParam;
  dimension.dimValue = size;
}

function dimensionsOf(value: OnnxValueInfo): OnnxDimension[] {
  return value.type?.tensorType?.shape?.dim ?? [];
}

function isDynamic(dimension: OnnxDimension): boolean {
  return symbolOf(dimension) !== undefined || fixedSize(dimension) === undefined;
}

function dynamicNames(graph: OnnxGraph): string[] {
  const names = graph.input.flatMap((value) =>
    dimensionsOf(value).flatMap((dimension, axis) =>
      isDynamic(dimension) ? [symbolOf(dimension) ?? `${value.name}.${axis}`] : [],
    ),
  );
  return [...new Set(names)];
}

/** Drops imports of operator sets that no node uses, in place; the default one stays. */
export function pruneOperatorSets(model: OnnxModel): void {
  const used = new Set(['ai.onnx', ...[...nodesOf(model)].map(({ domain }) => domainName(domain))]);
  model.opsetImport = model.opsetImport.filter(({ domain }) => used.has(domainName(domain)));
}

/** The files beside the model in which its weights stand. */
export function externalFilesOf(model: OnnxModel): readonly string[] {
  const external = [...tensorsOf(model)].filter(isExternal);
  return [...new Set(external.map((tensor) => externalDataOf(tensor).location))];
}

/** Where the bytes of one external tensor stand. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  /** Undefined: to the end of the file. */
  readonly length: number | undefined;
}

/**
 * Moves weights from side files into the model, in place: a package holds one model file, so that every byte
 * that onnxruntime sees is one that was checked. The sum of all must stay below protobuf's 2 GiB.
 * @param read gives the whole side file; called once a location
 */
export async function embedExternalData(
  model: OnnxModel,
  read: (location: string) => Promise<Uint8Array>,
): Promise<number> {
  const files = new Map<string, Uint8Array>();
  let totalBytes = 0;
  let embedded = 0;
  for (const tensor of tensorsOf(model)) {
    if (!isExternal(tensor)) continue;
    const { location, offset, length } = externalDataOf(tensor);
    const file = files.get(location) ?? (await read(location));
    files.set(location, file);
    const end = offset + (length ?? file.length - offset);
    if (offset > file.length || end > file.length) {
      const foreign = foreignFormatOf(file);
      const found = foreign === undefined ? `has ${file.length}` : `is ${foreign.what}`;
      fail(tensor.name ?? '', `it ends at byte ${end} of ${location}, which ${found}`, foreign?.nextStep);
    }
    totalBytes += end - offset;
    if (totalBytes > FILE_MAX_BYTES) {
      fail(tensor.name ?? '', `all weights together must stay below ${FILE_MAX_BYTES} bytes`);
    }
    tensor.rawData = file.subarray(offset, end);
    tensor.externalData = [];
    delete tensor.dataLocation;
    embedded++;
  }
  return embedded;
}

/** @throws EdgeError REWRITE_REFUSED naming the tensor */
export function externalDataOf(tensor: OnnxTensor): ExternalData {
  const name = tensor.name ?? '';
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key ?? '', value ?? '']));
  const location = entries.get('location') ?? '';
  // Below the model's folder only: no way up, no absolute path.
  if (!/^[^/\\\0]+(\/[^/\\\0]+)*$/.test(location) || /(^|\/)\.\.(\/|$)/.test(location)) {
    fail(
      name,
      `its file must lie beside the model or in a folder there: current value is ${JSON.stringify(location)}`,
      "Save it again with onnx.save(model, path, save_as_external_data=True, location='weights.bin')",
    );
  }
  const length = entries.get('length');
  return {
    location,
    offset: count(name, 'offset', entries.get('offset') ?? '0'),
    length: length === undefined ? undefined : count(name, 'length', length),
  };
}

function count(name: string, key: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    fail(name, `its ${key} must be a whole number: current value is ${text}`);
  }
  return value;
}

function fail(
  name: string,
  reason: string,
  nextStep = 'Export the model again, with the files of its weights beside it',
): never {
  throw new EdgeError('REWRITE_REFUSED', `Cannot rewrite the model at '${name}' as ${reason}`, {
    field: name,
    nextStep,
  });
}
