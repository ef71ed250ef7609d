import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../src/model/mod.js';
import { runCli, succeeds } from '../../lib/cli.js';
import { temporaryFolder } from '../../lib/model-package.js';
import { classifier } from '../../lib/zip-map-model.js';

describe('a classifier as its exporter writes it', () => {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);
  before(async () => {
    root = await temporaryFolder();
    await writeFile(at('maps.onnx'), classifier(['red', 'green', 'blue']));
    await writeFile(at('lists.onnx'), classifier([3, 5], 'sequence'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function packaged(name: string, more = ''): Promise<Manifest> {
    const yaml = `name: ${name}\nversion: 1.0.0\nmodel: ${name}.onnx\nreport: ${name}.report.json\n`;
    await writeFile(at(`${name}.yaml`), `${yaml}samples: { make: { count: 2 } }\n${more}`);
    await succeeds('package', at(`${name}.yaml`), '-o', at(name));
    const folder = at(name, 'artifacts', `org.edgemanager.model.${name}`, '1.0.0');
    const { package: held } = JSON.parse(await succeeds('inspect', folder, '--json')) as {
      package: { manifest: Manifest };
    };
    return held.manifest;
  }

  it('gives its scores in place of maps, and its classes as labels', async () => {
    const report = JSON.parse(
      await succeeds('compile', at('maps.onnx'), '-o', at('Maps.onnx'), '--json'),
    ) as {
      passes: string[];
      proof: { outputs: { name: string; largestDifference: number }[] };
    };
    assert.equal(report.passes[0], 'unzip scores');
    assert.deepEqual(
      report.proof.outputs.map(({ name, largestDifference }) => [name, largestDifference]),
      [
        ['label', 0],
        ['scores', 0],
      ],
    );
    const { labels, outputs } = await packaged('Maps');
    assert.deepEqual(labels, ['red', 'green', 'blue']);
    assert.deepEqual(
      outputs.find(({ name }) => name === 'scores'),
      {
        name: 'scores',
        datatype: 'FP32',
        shape: ['n', 3],
        semantics: { kind: 'scores', description: 'One for each of the labels, in their order' },
      },
    );
    assert.deepEqual((await packaged('Maps', 'labels: [a, b, c]\n')).labels, ['a', 'b', 'c']);
  });

  it('gives no sequences: they are refused with two ways out, and left out by name', async () => {
    const { code, error } = await runCli(['compile', at('lists.onnx'), '-o', at('Lists.onnx')]);
    assert.equal(code, 1);
    assert.match(error, /output 'list' is not a tensor/);
    assert.match(error, /--outputs/);
    await succeeds('compile', at('lists.onnx'), '-o', at('Lists.onnx'), '--outputs', 'scores,label');
    const { labels, outputs } = await packaged('Lists');
    assert.deepEqual(
      [labels, outputs.map(({ name }) => name)],
      [
        ['3', '5'],
        ['label', 'scores'],
      ],
    );
    const wrong = await runCli(['compile', at('lists.onnx'), '--outputs', 'score']);
    assert.match(wrong.error, /'score' is not one of its outputs: it has label, scores, list/);
  });
});
