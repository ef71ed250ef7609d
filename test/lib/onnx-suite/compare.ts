import { EdgeError, messageOf } from '../../../src/core/mod.js';
import type { Tensor } from '../../../src/contract/mod.js';
import type { TensorSpec } from '../../../src/model/mod.js';
import { checkPackable } from '../../../src/onnx/mod.js';
import { encodeStrings } from '../../../src/tensor/mod.js';
import { HostBench, inlineOutput, runRequest } from '../model-hosts.js';
import { identityModel } from '../onnx-builder.js';
import { tensorsOf, type SuiteCase } from './cases.js';
import type { PlainOutcome, PlainOutput, PlainRuntime } from './plain.js';

/** What became of one case. */
export interface Verdict {
  readonly plain: PlainOutcome['kind'];
  /** Why we are not what plain is; undefined: both serve the same bytes, or plain does not serve it either. */
  readonly difference: string | undefined;
}

const ENOUGH_BYTES = 2 ** 26;

/** Hosts whose one process stays while models come and go: it ends with its last one. */
export async function suiteBench(): Promise<HostBench> {
  const bench = await HostBench.create({ isolation: 'shared' });
  const value = (name: string): TensorSpec => ({ name, datatype: 'FP32', shape: [1] });
  const held = { inputs: [value('x')], outputs: [value('y')] };
  await bench.hosts.load(await bench.package({ name: 'Anchor', model: identityModel('FP32', [1]), ...held }));
  return bench;
}

/** Runs a case by plain onnxruntime-node and by a model host, from its package on. */
export async function compareCase(one: SuiteCase, plain: PlainRuntime, bench: HostBench): Promise<Verdict> {
  if (one.inputs === null) return { plain: 'refused', difference: undefined };
  const expected = await plain.run({ model: one.model, inputs: one.inputs });
  const inputs = tensorsOf(one.inputs);
  const restarts = bench.hosts.restarts;
  const ours = inputs === undefined ? 'its inputs have no type of the wire' : await serve(one, inputs, bench);
  if (bench.hosts.restarts !== restarts) return { plain: expected.kind, difference: 'the model host died' };
  if (expected.kind !== 'served') return { plain: expected.kind, difference: undefined };
  return {
    plain: 'served',
    difference: typeof ours === 'string' ? ours : differenceOf(expected.outputs, ours),
  };
}

/** The outputs that a model host gives, or why it gives none. */
async function serve(
  { name, model }: SuiteCase,
  inputs: readonly Tensor[],
  bench: HostBench,
): Promise<readonly Tensor[] | string> {
  try {
    const { inputs: takes, outputs, ...facts } = checkPackable(model);
    const domains = [...facts.domains];
    const version = `1.0.0-${name.replace(/[^0-9A-Za-z-]/g, '-').slice(-50)}`;
    const spec = await bench.package({
      name: 'Suite',
      version,
      model,
      inputs: takes,
      outputs,
      facts: { ...facts, domains },
    });
    // A package whose samples shall be run would get a process of its own first.
    const hosted = await bench.hosts.load({ ...spec, runSamples: false });
    try {
      const result = await hosted.run({ ...runRequest(inputs), maxInlineBytes: ENOUGH_BYTES }, 20_000);
      return result.outputs.map(inlineOutput);
    } finally {
      await hosted.unload();
    }
  } catch (error) {
    return error instanceof EdgeError
      ? `${error.reason}: ${error.message}`
      : `no EdgeError: ${messageOf(error)}`;
  }
}

function differenceOf(expected: readonly PlainOutput[], actual: readonly Tensor[]): string | undefined {
  if (expected.length !== actual.length) return `${actual.length} outputs in place of ${expected.length}`;
  for (const [index, want] of expected.entries()) {
    const got = actual[index];
    if (got?.name !== want.name) return `output ${got?.name} in place of ${want.name}`;
    if (got.shape.join() !== want.shape.join()) return `the shape of ${want.name}`;
    const bytes = want.bytes ?? encodeStrings(want.strings ?? []);
    if (Buffer.compare(got.data, bytes) !== 0) return `the bytes of ${want.name}`;
  }
  return undefined;
}
