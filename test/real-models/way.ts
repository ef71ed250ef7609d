import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeInputs, plainInputs, type CompileReport } from '../../deploy/mod.js';
import type { EdgeManagerClient } from '../../src/client/mod.js';
import type { Tensor } from '../../src/contract/mod.js';
import { encodeSamples, type GoldenSample, type Manifest } from '../../src/model/mod.js';
import { checkModelBytes } from '../../src/onnx/mod.js';
import type { AgentBench } from '../lib/agent-process.js';
import { succeeds } from '../lib/cli.js';
import { hostPids } from '../lib/model-hosts.js';
import { feedOf, tensorsOf } from '../lib/onnx-suite/cases.js';
import { PlainRuntime, tensorOf, type PlainOutput } from '../lib/onnx-suite/plain.js';
import { measureProcess } from '../../src/runtime/host/memory.js';
import type { RealModel } from './list.js';
import { checkMaps } from './maps.js';
import type { MadeCase, Sources } from './sources.js';
import type { Measured } from './table.js';

const CASES = 3;
const TIMED_RUNS = 20;

/** What all models share. */
export interface Way {
  readonly folder: string;
  readonly sources: Sources;
  readonly key: string;
  readonly trust: string;
  readonly bench: AgentBench;
  readonly app: EdgeManagerClient;
}

/**
 * A model's whole way: compile, package, sign, verify, admission by a real agent, an app's requests. What the app gets
 * must be what plain onnxruntime-node gives for the package's model file, byte for byte, and what Python's own gives
 * as maps where the original has those.
 */
export async function goWay(model: RealModel, way: Way): Promise<Measured> {
  const at = (suffix: string): string => join(way.folder, `${model.name}${suffix}`);
  const made = await way.sources.casesOf(model);
  const inputs = await inputsFor(model, made, way);
  await writeFile(at('.inputs.json'), encodeSamples(inputs.map((one, index) => sample(index, one, []))));
  const given = ['--samples', at('.inputs.json'), '--cases', '0', '--json'];
  const compiled = ['-o', at('.onnx'), '--report', at('.report.json')];
  const report = JSON.parse(
    await succeeds('compile', way.sources.fileOf(model), ...compiled, ...given),
  ) as CompileReport;
  const expected = await plainOutputs(await readFile(at('.onnx')), inputs);
  await writeFile(
    at('.samples.json'),
    encodeSamples(inputs.map((one, index) => sample(index, one, (expected[index] ?? []).map(tensorOf)))),
  );
  const folder = await packageOf(model, at);
  await succeeds('sign', folder, '--key', way.key);
  await succeeds('verify', folder, '--trust', way.trust);
  const name = nameOf(model);
  const { code, output } = await way.bench.register(folder, `org.edgemanager.model.${name}`);
  assert.equal(code, 0, output);
  const { runMs, answers } = await ask(name, inputs, way.app);
  for (const [index, outputs] of answers.entries()) checkEqual(expected[index] ?? [], outputs);
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  for (const [index, one] of (made ?? []).entries())
    checkMaps(one, answers[index] ?? [], manifest.labels ?? []);
  return {
    sizeBytes: report.compiled.sizeBytes,
    loadMs: report.compiled.loadMs,
    runMs,
    memoryBytes: await newestHostBytes(way.bench),
    difference: Math.max(...report.proof.outputs.map(({ largestDifference }) => largestDifference)),
  };
}

function nameOf({ name }: RealModel): string {
  return name.replace(/(^|-)(.)/g, (_all, _dash, letter: string) => letter.toUpperCase());
}

async function inputsFor(
  model: RealModel,
  made: readonly MadeCase[] | undefined,
  { sources }: Way,
): Promise<Tensor[][]> {
  if (made !== undefined) return made.map(({ inputs }) => tensorsOf(inputs) ?? []);
  const { inputs } = checkModelBytes(await readFile(sources.fileOf(model)));
  return makeInputs(inputs, { ...plainInputs, ...model.inputs }, CASES);
}

function sample(index: number, inputs: readonly Tensor[], outputs: readonly Tensor[]): GoldenSample {
  return { name: `case ${index + 1}`, inputs, outputs };
}

async function packageOf(model: RealModel, at: (suffix: string) => string): Promise<string> {
  const name = nameOf(model);
  const lines = [
    `name: ${name}`,
    'version: 1.0.0',
    `description: ${JSON.stringify(`From ${model.from}`)}`,
    `model: ${model.name}.onnx`,
    `report: ${model.name}.report.json`,
    `samples: { file: ${model.name}.samples.json }`,
  ];
  await writeFile(at('.yaml'), `${lines.join('\n')}\n`);
  await succeeds('package', at('.yaml'), '-o', at('.build'));
  return join(at('.build'), 'artifacts', `org.edgemanager.model.${name}`, '1.0.0');
}

async function plainOutputs(model: Uint8Array, cases: readonly Tensor[][]): Promise<PlainOutput[][]> {
  using plain = new PlainRuntime();
  const found: PlainOutput[][] = [];
  for (const inputs of cases) {
    const outcome = await plain.run({ model, inputs: inputs.map(feedOf) });
    assert.ok(outcome.kind === 'served', JSON.stringify(outcome));
    found.push([...outcome.outputs]);
  }
  return found;
}

async function ask(
  model: string,
  cases: readonly Tensor[][],
  app: EdgeManagerClient,
): Promise<{ runMs: number; answers: (readonly Tensor[])[] }> {
  const answers: (readonly Tensor[])[] = [];
  for (const inputs of cases) answers.push((await app.predict(model, inputs, { timeoutMs: 30_000 })).outputs);
  const times: number[] = [];
  for (let run = 0; run < TIMED_RUNS; run++) {
    times.push((await app.predict(model, cases[0] ?? [], { timeoutMs: 30_000 })).runMs);
  }
  return { answers, runMs: times.toSorted((a, b) => a - b)[TIMED_RUNS / 2] ?? 0 };
}

function checkEqual(expected: readonly PlainOutput[], actual: readonly Tensor[]): void {
  assert.deepEqual(
    actual.map(({ name, shape }) => [name, shape]),
    expected.map(({ name, shape }) => [name, shape]),
  );
  for (const [index, want] of expected.entries()) {
    const bytes = Buffer.from(tensorOf(want).data);
    assert.ok(bytes.equals(actual[index]?.data ?? new Uint8Array()), `the bytes of ${want.name}`);
  }
}

async function newestHostBytes(bench: AgentBench): Promise<number> {
  const pid = (await hostPids(await bench.controlPid())).at(-1);
  return pid === undefined ? 0 : await measureProcess(pid);
}
