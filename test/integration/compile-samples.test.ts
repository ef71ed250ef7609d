import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import type { CompileReport } from '../../deploy/mod.js';
import { fails, succeeds } from '../lib/cli.js';
import { node, onnxModel, type ValueSpec } from '../lib/onnx-builder.js';

const INPUTS: readonly ValueSpec[] = [
  { name: 'picture', datatype: 'FP32', shape: ['n', 3, 4, 5] },
  { name: 'table', datatype: 'FP32', shape: ['n', 2] },
  { name: 'sound', datatype: 'FP32', shape: [6] },
  { name: 'array', datatype: 'INT64', shape: [3] },
  { name: 'text', datatype: 'BYTES', shape: [1] },
];

/** A recording of 16-bit samples. */
function wav(samples: readonly number[]): Buffer {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  for (const [at, value] of [16, 0x0001_0001, 8000, 16_000].entries())
    bytes.writeUInt32LE(value, 16 + 4 * at);
  bytes.writeUInt32LE(0x0010_0002, 32);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  for (const [at, sample] of samples.entries()) bytes.writeInt16LE(sample, 44 + 2 * at);
  return bytes;
}

function npy(values: readonly bigint[]): Buffer {
  const head = `{'descr': '<i8', 'fortran_order': False, 'shape': (${values.length},), }`.padEnd(117) + '\n';
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, head.length, 0]);
  return Buffer.concat([magic, Buffer.from(head), Buffer.from(BigInt64Array.from(values).buffer)]);
}

describe('compile --samples', () => {
  let folder = '';
  const at = (name: string): string => join(folder, name);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-compile-samples-'));
    const model = onnxModel({
      inputs: INPUTS,
      outputs: INPUTS.map(({ name, ...rest }) => ({ ...rest, name: `${name} out` })),
      nodes: INPUTS.map(({ name }) => node('Identity', [name], [`${name} out`])),
    });
    await writeFile(at('model.onnx'), model);
    await writeFile(at('rows.csv'), 'left,right\n0.5,1\n2,3\n');
    await writeFile(at('x.wav'), wav([1, 2, 3, 4, 5, 6]));
    await writeFile(at('x.npy'), npy([1n, 2n, 3n]));
    const data = Uint8Array.from({ length: 60 }, (_, index) => index);
    await writeFile(at('x.png'), encode({ width: 5, height: 4, channels: 3, data }));
    await writeFile(
      at('model.yaml'),
      `name: Sampled
version: 1.0.0
model: out.onnx
samples:
  cases:
    - inputs:
        picture: { image: x.png, scale: 0.25, modelOrder: BGR }
        table: { csv: rows.csv, rows: [1, 2] }
        sound: { wav: x.wav }
        array: { npy: x.npy }
        text: valve
  make: { count: 2 }
`,
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const compile = ['compile', 'model.onnx', '-o', 'out.onnx', '--cases', '0'];
  const words = (...more: string[]): string[] =>
    [...compile, ...more].map((word) => (/\.(onnx|yaml|json)$/.test(word) ? at(word) : word));

  it('takes whatever samples of a model.yaml take: pictures, tables, recordings, arrays, values', async () => {
    const out = await succeeds(...words('--samples', 'model.yaml', '--json'));
    const { proof } = JSON.parse(out) as CompileReport;
    assert.equal(proof.cases, 3);
    const elements = proof.outputs.flatMap(({ name, elements: count }) =>
      name === 'text out' ? [] : [[name, count]],
    );
    assert.deepEqual(Object.fromEntries(elements), {
      'picture out': 3 * 60,
      'table out': 4 + 2 + 2,
      'sound out': 18,
      'array out': 9,
    });
  });

  it('says which value does not fit, and where there is none', async () => {
    const head = 'name: Sampled\nversion: 1.0.0\nmodel: out.onnx\n';
    await writeFile(at('wrong.yaml'), `${head}samples: { cases: [{ inputs: { array: [1, 2, 3.5] } }] }\n`);
    await fails(/'samples\.cases\[0\]\.inputs\.array\[2\]'.*3\.5/, ...words('--samples', 'wrong.yaml'));
    await writeFile(at('none.yaml'), head);
    await fails(/none\.yaml says nothing under 'samples'/, ...words('--samples', 'none.yaml'));
    await fails(/absent\.yaml/, ...words('--samples', 'absent.yaml'));
  });
});
