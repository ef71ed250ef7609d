import { domainName } from './domains.js';
import { textAt } from './facts.js';
import { eachVarint, fieldsOf } from './wire.js';

const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1 } as const;
const NODE = { output: 2, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, ints: 8, strings: 9 } as const;

/** Whether a node makes maps from class to score of rows of scores. */
export function isZipMap({
  opType,
  domain,
}: {
  readonly opType?: string;
  readonly domain?: string;
}): boolean {
  return opType === 'ZipMap' && domainName(domain) === 'ai.onnx.ml';
}

/** Classes of each ZipMap of the main graph, by its output. */
export function zipMapClasses(model: Uint8Array): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  for (const node of within(within([model], MODEL.graph), GRAPH.node)) {
    if (!isZipMap({ opType: textAt(node, NODE.opType), domain: textAt(node, NODE.domain) })) continue;
    found.set(textAt(node, NODE.output), within([node], NODE.attribute).flatMap(classesIn));
  }
  return found;
}

/** All messages of one field. */
function within(messages: readonly Uint8Array[], wanted: number): Uint8Array[] {
  return messages.flatMap((message) =>
    [...fieldsOf(message)].flatMap(({ number, bytes }) =>
      number === wanted && bytes !== undefined ? [bytes] : [],
    ),
  );
}

function classesIn(attribute: Uint8Array): string[] {
  if (!textAt(attribute, ATTRIBUTE.name).startsWith('classlabels_')) return [];
  const classes: string[] = [];
  for (const { number, value, bytes } of fieldsOf(attribute)) {
    if (number === ATTRIBUTE.strings && bytes !== undefined) classes.push(Buffer.from(bytes).toString());
    if (number !== ATTRIBUTE.ints) continue;
    if (bytes === undefined) classes.push(String(value));
    else eachVarint(bytes, (one) => classes.push(String(one)));
  }
  return classes;
}
