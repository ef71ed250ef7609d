import type { ModelYaml } from './model-yaml.js';

/** A manifest holds one list of class names, with limits of its own. */
const MAX_CLASSES = 100_000;
const MAX_CHARS = 256;

/** Classes of a model's outputs, by output, as compilation left them in it. */
type Classes = ReadonlyMap<string, readonly string[]>;

/** The class names of a model whose outputs agree in them; undefined where there are none or several. */
export function labelsFrom(classes: Classes): string[] | undefined {
  const [first, ...others] = [...classes.values()];
  if (first === undefined || first.length === 0 || first.length > MAX_CLASSES) return undefined;
  const agreed = others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  return agreed && first.every((name) => name.length <= MAX_CHARS) ? [...first] : undefined;
}

/** What the outputs mean: where a model.yaml says nothing of one with classes, that its scores are those of the labels. */
export function withClassMeaning(
  outputs: ModelYaml['outputs'] = {},
  classes: Classes,
): NonNullable<ModelYaml['outputs']> {
  const meaning = { kind: 'scores', description: 'One for each of the labels, in their order' };
  return { ...Object.fromEntries([...classes.keys()].map((name) => [name, meaning])), ...outputs };
}
