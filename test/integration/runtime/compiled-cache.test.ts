import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineSession } from '../../../src/engine/mod.js';
import { loadCompiled, type CompiledLoad } from '../../../src/runtime/host/child/compiled-cache.js';
import { HostBench, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { temporaryFolder } from '../../lib/model-package.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage, logPackage } from '../../lib/test-models.js';

type Attack = (file: string, foreign: string) => void;

/** What a neighbour of the same user can lay where a compiled graph lay; `foreign` is log(x) as this machine compiled it. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  'bytes that are no graph': (file) => writeFileSync(file, 'no graph'),
  'nothing in the file': (file) => writeFileSync(file, ''),
  'one bit turned over': (file) => {
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(file, bytes);
  },
  'the file cut in half': (file) => {
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length >> 1));
  },
  'bytes behind the end': (file) =>
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(64)])),
  'the valid graph of another model': (file, foreign) => writeFileSync(file, readFileSync(foreign)),
  'a link to the graph of another model': (file, foreign) => {
    rmSync(file);
    symlinkSync(foreign, file);
  },
  'a second name of the graph of another model': (file, foreign) => {
    rmSync(file);
    linkSync(foreign, file);
  },
  'a link to itself, moved away': (file) => {
    renameSync(file, `${file}.moved`);
    symlinkSync(`${file}.moved`, file);
  },
  'a second name of itself': (file) => linkSync(file, `${file}.second`),
  'a link that leads nowhere': (file) => {
    rmSync(file);
    symlinkSync('/nowhere/at/all', file);
  },
  'a pipe': (file) => {
    rmSync(file);
    execFileSync('mkfifo', [file]);
  },
  'a folder': (file) => {
    rmSync(file);
    mkdirSync(join(file, 'inner'), { recursive: true });
  },
};

describe('a compiled graph that is not the one that was compiled', () => {
  let bench: HostBench;
  beforeEach(async () => {
    bench = await HostBench.create({ isolation: 'shared' });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it(`is never served, and its model answers all the same: ${Object.keys(ATTACKS).length} attacks`, async () => {
    const compiledCacheFolder = join(bench.folder, 'cache');
    const foreign = await bench.hosts.load({ ...(await bench.package(logPackage())), compiledCacheFolder });
    const [foreignName = ''] = readdirSync(compiledCacheFolder);
    const foreignFile = join(compiledCacheFolder, foreignName);
    const foreignBytes = readFileSync(foreignFile);
    // Without samples to prove, a package that is known already goes to the shared host without a trial before it.
    const spec = { ...(await bench.package(identityPackage())), compiledCacheFolder, runSamples: false };
    const first = await bench.hosts.load(spec);
    const { compiledDigest } = first.report;
    assert.ok(compiledDigest !== undefined && compiledDigest !== foreign.report.compiledDigest);
    await first.unload();
    const name = readdirSync(compiledCacheFolder).find((one) => one !== foreignName) ?? '';
    const file = join(compiledCacheFolder, name);

    for (const [kind, attack] of Object.entries(ATTACKS)) {
      attack(file, foreignFile);
      const again = await bench.hosts.load({ ...spec, compiledDigest });
      assert.equal(again.report.cacheHit, false, kind);
      const { outputs } = await again.run(runRequest([floats('x', [4])]), 60_000);
      assert.deepEqual(outputFloats(outputs[0]), [4], kind);
      await again.unload();
      assert.ok(
        readFileSync(foreignFile).equals(foreignBytes),
        `${kind}: the other model's graph is as it was`,
      );
      rmSync(file, { recursive: true, force: true });
      await (await bench.hosts.load(spec)).unload();
    }

    const whole = await bench.hosts.load({ ...spec, compiledDigest });
    assert.equal(whole.report.cacheHit, true, 'what is left is believed again');
  });

  it('is not loaded either where it comes between the check and the load', async () => {
    const folder = await temporaryFolder('compiled-');
    const modelDigest = 'ab'.repeat(32);
    const given: Uint8Array[] = [];
    const session: EngineSession = {
      inputs: [],
      outputs: [],
      run: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
    const engine: Engine = {
      version: '1.0.0',
      load: (bytes, options) => {
        if (options?.optimizedModelFile !== undefined) writeFileSync(options.optimizedModelFile, 'compiled');
        else if (bytes instanceof Uint8Array) given.push(bytes);
        // Whoever is asked to load: what lies on disk is another's by now.
        for (const name of readdirSync(folder))
          if (!name.includes('draft')) writeFileSync(join(folder, name), 'another');
        return Promise.resolve(session);
      },
    };
    const load = async (compiledDigest: string | undefined): Promise<CompiledLoad> =>
      await loadCompiled(engine, Buffer.from('model'), { folder, modelDigest, compiledDigest, session: {} });
    const { compiledDigest } = await load(undefined);
    assert.equal((await load(compiledDigest)).cacheHit, true);
    assert.equal((await load(compiledDigest)).cacheHit, false, 'what came then is not believed');
    assert.deepEqual(
      given.map((bytes) => Buffer.from(bytes).toString()),
      ['compiled'],
    );
    rmSync(folder, { recursive: true });
  });
});
