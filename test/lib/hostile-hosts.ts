// A control process for tests: loads twenty models that mean harm, and a good one, each in a host of its own.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { hostileModels } from './hostile-models.js';
import { HostBench, runRequest } from './model-hosts.js';
import { identityModel } from './onnx-builder.js';
import { number } from './protobuf-writer.js';
import { identityPackage } from './test-models.js';
import { floats } from './tensors.js';

const one: Omit<TensorSpec, 'name'> = { datatype: 'FP32', shape: [1] };
const good = identityModel('FP32', [1]);
const above = { above: 2n ** 32n };

const MODELS: readonly (readonly [string, Uint8Array])[] = [
  ...hostileModels(),
  [
    "another runtime's format behind a good head",
    Buffer.concat([Buffer.from('1206', 'hex'), Buffer.from('..ORTM'), good]),
  ],
  ['a tag beyond 32 bits', Buffer.concat([good, number(1, 9, above)])],
  ['no model at all', Buffer.from('#!/bin/sh\nid\n')],
];

await using bench = await HostBench.create({ loadTimeoutMs: 30_000, maxHostBytes: 1024 * 2 ** 20 });
const compiledCacheFolder = join(bench.folder, 'cache');
for (const [index, [kind, model]] of MODELS.entries()) {
  const spec = await bench.package({
    name: `Hostile${index}`,
    model,
    inputs: [{ name: 'x', ...one }],
    outputs: [{ name: 'y', ...one }],
  });
  const outcome = await bench.hosts
    .load({ ...spec, compiledCacheFolder })
    .then(async (loaded) => {
      const run = await loaded.run(runRequest([floats('x', [2])]), 1000).then(
        () => 'ran',
        (error: unknown) => `its run: ${messageOf(error)}`,
      );
      await loaded.unload();
      return run;
    })
    .catch(messageOf);
  console.log(`${kind}: ${outcome.replace(/\s+/g, ' ')}`);
}

const exchangeFolder = join(bench.folder, 'exchange', 'secret');
await mkdir(exchangeFolder, { recursive: true });
await writeFile(join(exchangeFolder, 'in'), new Uint8Array(4));
await writeFile(join(exchangeFolder, 'out'), new Uint8Array(4));
const model = await bench.hosts.load({ ...(await bench.package(identityPackage())), compiledCacheFolder });
const file = { name: 'in', offset: 0, byteSize: 4 };
await model.run(
  runRequest([{ name: 'x', datatype: 'FP32', shape: [1], file }], {
    exchangeFolder,
    outputFile: { ...file, name: 'out' },
    maxInlineBytes: 0,
  }),
  5000,
);
await model.unload();
console.log(`folder ${bench.folder}`);
