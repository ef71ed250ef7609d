import { isZipMap, zipMapClasses } from '../mod.js';
import type { OnnxModel } from './proto.js';

/** The key of a model's metadata that tells the classes of an output, as a JSON list of strings. */
const METADATA_PREFIX = 'edge-manager.classes.';
const FLOAT = 1;

/**
 * ZipMap makes of each row of scores a map from class to score, which no runtime but Python's gives to a caller. In
 * place of the maps the rows themselves become the output, under its name; the classes, in their order, go into the
 * model's metadata. Changes the model in place.
 * @param bytes the model's own, as our description of its messages leaves attributes closed
 * @returns names of the outputs that are tensors now
 */
export function unzipMaps(model: OnnxModel, bytes: Uint8Array): string[] {
  const { graph } = model;
  if (graph == null) return [];
  const classes = zipMapClasses(bytes);
  const outputs = new Map(graph.output.map((value) => [value.name ?? '', value]));
  const unzipped: string[] = [];
  graph.node = graph.node.map((node) => {
    const [name = ''] = node.output;
    const value = outputs.get(name);
    if (!isZipMap(node) || value === undefined) return node;
    // Its shape is for ONNX Runtime to infer.
    value.type = { tensorType: { elemType: FLOAT } };
    model.metadataProps = [
      ...model.metadataProps,
      { key: `${METADATA_PREFIX}${name}`, value: JSON.stringify(classes.get(name) ?? []) },
    ];
    unzipped.push(name);
    return {
      name: node.name ?? '',
      opType: 'Identity',
      input: [...node.input],
      output: [name],
      attribute: [],
    };
  });
  return unzipped;
}

/** Classes by output, from a model's metadata; what is no list of texts is left out. */
export function outputClasses({ metadataProps }: OnnxModel): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { key = '', value = '' } of metadataProps) {
    if (!key.startsWith(METADATA_PREFIX)) continue;
    const classes = parsed(value);
    if (Array.isArray(classes) && classes.every((one) => typeof one === 'string')) {
      found.set(key.slice(METADATA_PREFIX.length), classes);
    }
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
