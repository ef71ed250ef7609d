import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { newNode, type OnnxGraph, type OnnxModel, type OnnxNode } from '../../src/onnx/decoded/mod.js';
import { modelLayout } from './layout.js';
import { channelsOf, type Layout, type Preprocess, type SentDatatype } from './schema.js';

/** TensorProto.DataType. */
const FLOAT = 1;
const INT64 = 7;
const SENT_TYPES: Readonly<Record<SentDatatype, number>> = {
  FP32: FLOAT,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
};
/** From here on broadcasting, and then resizing by sizes, is as it still is. */
const LEAST_OPSET = 7;
const LEAST_RESIZE_OPSET = 11;
/** From here on the axes of Squeeze and Unsqueeze are inputs. */
const AXES_AS_INPUT_OPSET = 13;
const OPTIONAL_SCALES_OPSET = 13;
const METADATA_PREFIX = 'edge-manager.preprocess.';

/**
 * Puts the steps in front of inputs, as operators of ONNX alone; an input then is what an app sends, under its name.
 * Changes the model in place, and writes into its metadata what was done.
 * @param specs the model's inputs as they are now
 * @throws EdgeError INVALID_ARGUMENT naming the input and the step that does not fit it
 */
export function prepareWithin(
  model: OnnxModel,
  specs: readonly TensorSpec[],
  preprocess: Readonly<Record<string, Preprocess>>,
): void {
  const { graph } = model;
  if (graph == null) return;
  for (const [name, steps] of Object.entries(preprocess)) {
    const spec = specs.find((one) => one.name === name);
    if (spec === undefined) {
      const known = specs.map((one) => one.name).join(', ');
      throw refused(name, `the model has no such input: it has ${known}`);
    }
    new Preparation(graph, opsetOf(model, name, steps), spec, steps).insert();
    model.metadataProps = [
      ...model.metadataProps,
      { key: `${METADATA_PREFIX}${name}`, value: canonicalJson(steps) },
    ];
  }
}

/** What {@link prepareWithin} has put into a model, by input, as canonical JSON. */
export function preparedWithin({ metadataProps }: OnnxModel): ReadonlyMap<string, string> {
  return new Map(
    metadataProps.flatMap(({ key = '', value = '' }) =>
      key.startsWith(METADATA_PREFIX) ? [[key.slice(METADATA_PREFIX.length), value]] : [],
    ),
  );
}

function opsetOf(model: OnnxModel, name: string, { resize }: Preprocess): number {
  const found = model.opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx');
  if (found === undefined) {
    model.opsetImport.push({ domain: '', version: AXES_AS_INPUT_OPSET });
    return AXES_AS_INPUT_OPSET;
  }
  const version = Number(found.version ?? 0);
  const least = resize === undefined ? LEAST_OPSET : LEAST_RESIZE_OPSET;
  if (version >= least) return version;
  throw refused(
    name,
    `its steps need operator set ${least}: the model has ${version}`,
    `Export the model with opset ${least} or later, or convert it with onnx.version_converter`,
  );
}

/** One input's steps as nodes. Holds where the values are and how they are laid out. */
class Preparation {
  readonly #graph: OnnxGraph;
  readonly #opset: number;
  readonly #spec: TensorSpec;
  readonly #steps: Preprocess;
  readonly #nodes: OnnxNode[] = [];
  #at: string;
  #layout: string;

  constructor(graph: OnnxGraph, opset: number, spec: TensorSpec, steps: Preprocess) {
    this.#graph = graph;
    this.#opset = opset;
    this.#spec = spec;
    this.#steps = steps;
    this.#at = spec.name;
    this.#layout = steps.layout ?? '';
  }

  insert(): void {
    const { name } = this.#spec;
    const input = this.#graph.input.find((one) => one.name === name);
    const type = input?.type?.tensorType;
    if (type === undefined || !this.#spec.datatype.startsWith('FP')) {
      throw refused(
        name,
        `the model must take floating-point numbers there: it takes ${this.#spec.datatype}`,
      );
    }
    if (this.#graph.output.some((output) => output.name === name)) {
      throw refused(name, 'the model gives it as an output too');
    }
    const wanted = type.elemType ?? FLOAT;
    const { layout, datatype = 'UINT8' } = this.#steps;
    if (layout === undefined && this.#steps.resize !== undefined)
      throw refused(name, "'resize' needs a 'layout'");
    const target = layout === undefined ? undefined : modelLayout(this.#spec, this.#steps, fieldOf(name));
    if (datatype !== 'FP32') this.#add('Cast', [this.#at], { to: FLOAT });
    if (target !== undefined) this.#resize(target);
    this.#normalise();
    this.#reorder(target);
    if (target !== undefined) this.#layOut(target);
    if (wanted !== FLOAT) this.#add('Cast', [this.#at], { to: wanted });
    renameInputs(this.#graph, name, this.#at);
    this.#graph.node = [...this.#nodes, ...this.#graph.node];
    type.elemType = SENT_TYPES[datatype];
    if (layout !== undefined && target !== undefined) {
      type.shape = { dim: this.#sentShape(layout, target).map(dimensionOf) };
    }
  }

  #resize(target: Layout): void {
    const { resize } = this.#steps;
    if (resize === undefined) return;
    const [height, width] = (['H', 'W'] as const).map((axis) => this.#size(target, axis));
    if (typeof height !== 'number' || typeof width !== 'number') {
      throw refused(
        this.#spec.name,
        "'resize' needs the height and width that the model takes, which are open",
        'Fix them with --dim',
      );
    }
    this.#layOut('NCHW');
    const sizes = this.#constant('size', INT64, [2], BigInt64Array.of(BigInt(height), BigInt(width)));
    if (resize === 'cubic') this.#resizePlanes(resize, sizes);
    else this.#resizePictures(resize, sizes);
  }

  /** To the sizes, whatever batch and channels are there. */
  #resizePictures(how: NonNullable<Preprocess['resize']>, sizes: string): void {
    const picture = this.#at;
    const batch = this.#part(picture, 0);
    const wanted = this.#add('Concat', [batch, sizes], { axis: 0 });
    // Regions and scales, which sizes stand for, may only be left out from some version on.
    const none =
      this.#opset < OPTIONAL_SCALES_OPSET ? this.#constant('none', FLOAT, [0], new Float32Array()) : '';
    this.#add('Resize', [picture, none, none, wanted], {
      mode: how,
      coordinate_transformation_mode: 'half_pixel',
      ...(how === 'nearest' ? { nearest_mode: 'round_prefer_floor' } : {}),
    });
  }

  /**
   * Each channel as a picture of its own: onnxruntime moves transpositions past a Resize, and then refuses to make
   * pictures smaller by cubic convolution whose channels stand last.
   */
  #resizePlanes(how: NonNullable<Preprocess['resize']>, sizes: string): void {
    const picture = this.#at;
    const batch = this.#part(picture, 0);
    const extent = this.#part(picture, 2);
    const each = this.#constant('each', INT64, [2], BigInt64Array.of(-1n, 1n));
    const planes = this.#add('Concat', [each, extent], { axis: 0 });
    this.#add('Reshape', [picture, planes]);
    this.#resizePictures(how, sizes);
    const resized = this.#at;
    const whole = this.#add('Concat', [batch, sizes], { axis: 0 });
    this.#add('Reshape', [resized, whole]);
  }

  /** Two of the sizes of a tensor, from an axis on. */
  #part(tensor: string, axis: number): string {
    const [from, to] = [axis, axis + 2].map((at) =>
      this.#constant(`axis ${at}`, INT64, [1], BigInt64Array.of(BigInt(at))),
    );
    const shape = this.#add('Shape', [tensor]);
    return this.#add('Slice', [shape, from ?? '', to ?? '']);
  }

  #reorder(target: Layout | undefined): void {
    const { name } = this.#spec;
    if (channelsOf(this.#steps, 3) === undefined) return;
    if (target === undefined) throw refused(name, "'order' needs a 'layout'");
    const count = this.#size(target, 'C');
    if (count !== 3 && count !== 4) {
      throw refused(name, `'order' needs 3 or 4 channels: the model takes ${count ?? 'any number'}`);
    }
    const channels = BigInt64Array.from(channelsOf(this.#steps, count) ?? [], BigInt);
    const order = this.#constant('order', INT64, [count], channels);
    this.#add('Gather', [this.#at, order], { axis: this.#layout.indexOf('C') });
  }

  #normalise(): void {
    const { scale, mean, std } = this.#steps;
    if (scale !== undefined) this.#arithmetic('Mul', 'scale', scale);
    if (mean !== undefined) this.#arithmetic('Sub', 'mean', mean);
    if (std !== undefined) this.#arithmetic('Div', 'std', std);
  }

  #arithmetic(operator: string, what: string, given: number | readonly number[]): void {
    const values = typeof given === 'number' ? [given] : given;
    const layout = this.#layout;
    if (typeof given !== 'number') this.#checkChannels(what, values.length);
    const dims =
      typeof given === 'number' ? [] : layout.split('').map((axis) => (axis === 'C' ? values.length : 1));
    this.#add(operator, [this.#at, this.#constant(what, FLOAT, dims, Float32Array.from(values))]);
  }

  #checkChannels(what: string, count: number): void {
    const { name } = this.#spec;
    if (this.#layout === '') throw refused(name, `'${what}' must be one number where no layout is said`);
    const channels = this.#size(modelLayout(this.#spec, this.#steps, fieldOf(name)), 'C');
    if (typeof channels !== 'number' || channels === count) return;
    throw refused(name, `'${what}' must have one number for each of ${channels} channels: it has ${count}`);
  }

  /** Brings batch, channels, height and width into an order; a batch of one comes or goes with it. */
  #layOut(target: Layout): void {
    const [had, has] = [this.#layout.startsWith('N'), target.startsWith('N')];
    if (has && !had) this.#reshape('Unsqueeze');
    this.#transpose(had && !has ? `N${target}` : target);
    if (had && !has) this.#reshape('Squeeze');
  }

  #transpose(target: string): void {
    if (this.#layout === target) return;
    const perm = target.split('').map((axis) => this.#layout.indexOf(axis));
    this.#add('Transpose', [this.#at], { perm });
    this.#layout = target;
  }

  #reshape(operator: 'Squeeze' | 'Unsqueeze'): void {
    if (this.#opset < AXES_AS_INPUT_OPSET) this.#add(operator, [this.#at], { axes: [0] });
    else this.#add(operator, [this.#at, this.#constant('batch', INT64, [1], BigInt64Array.of(0n))]);
    this.#layout = operator === 'Squeeze' ? this.#layout.slice(1) : `N${this.#layout}`;
  }

  /** A size is a number, or the name of what is open. */
  #size(layout: string, axis: string): number | string | undefined {
    const size = this.#spec.shape[layout.indexOf(axis)];
    return typeof size === 'number' && size < 0 ? undefined : size;
  }

  #sentShape(layout: Layout, target: Layout): (number | string | undefined)[] {
    const { size, resize } = this.#steps;
    const { name } = this.#spec;
    return layout.split('').map((axis) => {
      if (axis === 'N') return target.includes('N') ? this.#size(target, 'N') : 1;
      if (axis === 'C') return this.#size(target, 'C');
      const given = size?.[axis === 'H' ? 0 : 1];
      if (given !== undefined) return given;
      return resize === undefined ? this.#size(target, axis) : `${name}_${axis === 'H' ? 'height' : 'width'}`;
    });
  }

  #add(operator: string, inputs: readonly string[], attributes: Parameters<typeof newNode>[3] = {}): string {
    const output = `${this.#spec.name}/prepared/${this.#nodes.length}/${operator}`;
    this.#nodes.push(newNode(operator, inputs, output, attributes));
    this.#at = output;
    return output;
  }

  #constant(what: string, dataType: number, dims: readonly number[], values: ArrayBufferView): string {
    const name = `${this.#spec.name}/prepared/${this.#nodes.length}/${what}`;
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#graph.initializer.push({ name, dataType, dims: [...dims], rawData, externalData: [] });
    return name;
  }
}

function dimensionOf(size: number | string | undefined): { dimValue?: number; dimParam?: string } {
  if (size === undefined) return {};
  return typeof size === 'number' ? { dimValue: size } : { dimParam: size };
}

/** In this graph and in those within its nodes, which see its names; a graph of its own name for it does not. */
function renameInputs(graph: OnnxGraph, from: string, to: string): void {
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === from ? to : name));
    for (const { g, graphs } of node.attribute) {
      for (const inner of [...(g == null ? [] : [g]), ...graphs]) {
        if (!inner.input.some(({ name }) => name === from)) renameInputs(inner, from, to);
      }
    }
  }
}

function fieldOf(name: string): string {
  return `preprocess.${name}`;
}

function refused(
  name: string,
  reason: string,
  nextStep = 'docs/models.md says what each step takes',
): EdgeError {
  return new EdgeError('FIELD_INVALID', `Cannot prepare the input '${name}' within the model as ${reason}`, {
    field: fieldOf(name),
    nextStep,
  });
}
