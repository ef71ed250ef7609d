import { EdgeError } from '../../core/mod.js';
import type { OnnxGraph, OnnxModel, OnnxNode } from './proto.js';
import { namesWithin } from './walk.js';

/**
 * Leaves only the named outputs to a model, in place and in its own order, with the nodes that they need.
 * @throws EdgeError INVALID_ARGUMENT for a name that is no output
 */
export function keepOutputs(model: OnnxModel, names: readonly string[]): void {
  const { graph } = model;
  if (graph == null) return;
  const known = graph.output.map(({ name }) => name ?? '');
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new EdgeError(
      'REWRITE_REFUSED',
      `Cannot rewrite the model as '${stranger}' is not one of its outputs: it has ${known.join(', ')}`,
      { field: stranger, nextStep: 'Name outputs as they stand there, separated by commas' },
    );
  }
  graph.output = graph.output.filter(({ name }) => names.includes(name ?? ''));
  dropUnused(graph);
}

/** Takes out the nodes that no output needs. */
function dropUnused(graph: OnnxGraph): void {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const needed = new Set<OnnxNode>();
  const open = graph.output.map(({ name }) => name ?? '');
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    open.push(...namesWithin(maker));
  }
  graph.node = graph.node.filter((node) => needed.has(node));
}
