import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32, type EdgeManagerClient } from '../../src/client/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import type { PackageResult } from '../../deploy/mod.js';
import { succeeds } from '../lib/cli.js';
import type { ComponentProcess } from '../lib/component-process.js';
import { CONNECTED, FaultDevice, MODEL, type Programs } from '../lib/fault-device.js';
import { buildFormer, FORMER, withoutHistory } from '../lib/former-agent.js';
import { writeTestPackage } from '../lib/model-hosts.js';
import { node, onnxModel } from '../lib/onnx-builder.js';
import { floats } from '../lib/tensors.js';
import { outsidePackage } from '../lib/test-models.js';

const WIDE = 70;

/** What that agent says where its manifests have no such thing; the others it serves. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  Outside: /^REFUSED: Cannot read the manifest as 'files\[2\]\.role' must be .*current value is "weights"/,
  Wide: /^REFUSED: Cannot read the manifest as 'inputs' must NOT have more than 64 items/,
};

/** y = x + noise, in a package that says so. */
async function randomPackage(folder: string): Promise<string> {
  const value = (name: string) => ({ name, datatype: 'FP32' as const, shape: [1, 8] });
  const nodes = [node('RandomNormalLike', ['x'], ['drawn']), node('Add', ['x', 'drawn'], ['y'])];
  await writeFile(
    join(folder, 'random.onnx'),
    onnxModel({ inputs: [value('x')], outputs: [value('y')], nodes }),
  );
  const lines = ['name: Random', 'version: 1.0.0', 'model: random.onnx', 'deterministic: false'];
  await writeFile(join(folder, 'model.yaml'), `${lines.join('\n')}\nsamples: { make: { count: 1 } }\n`);
  const out = await succeeds('package', join(folder, 'model.yaml'), '-o', join(folder, 'random'), '--json');
  return (JSON.parse(out) as PackageResult).folder;
}

/** More inputs than the former agent's manifests may have. */
async function widePackage(folder: string): Promise<string> {
  const names = Array.from({ length: WIDE }, (_, index) => `${index}`);
  const values = (prefix: string) =>
    names.map((name) => ({ name: `${prefix}${name}`, datatype: 'FP32' as const, shape: [1] }));
  return await writeTestPackage(folder, {
    name: 'Wide',
    model: onnxModel({
      inputs: values('x'),
      outputs: values('y'),
      nodes: names.map((name) => node('Identity', [`x${name}`], [`y${name}`])),
    }),
    inputs: values('x'),
    outputs: values('y'),
  });
}

describe(`faults: packages of today before an agent of ${FORMER}`, function () {
  let checkout = '';
  let former: Programs;
  before(function () {
    const why = withoutHistory();
    if (why !== undefined) {
      console.log(`    skipped: ${why}`);
      this.skip();
    }
    checkout = mkdtempSync(join(tmpdir(), 'former-packages-'));
    former = buildFormer(checkout);
  });
  after(() => {
    if (checkout !== '') rmSync(checkout, { recursive: true, force: true });
  });

  const answer = async (app: EdgeManagerClient, model: string): Promise<string> => {
    const inputs = {
      [MODEL]: [floats('x', [7])],
      Outside: [floats('x', [1, 1, 1])],
      Random: [floats('x', [1, 1, 1, 1, 1, 1, 1, 1], [1, 8])],
      Wide: Array.from({ length: WIDE }, (_, index) => floats(`x${index}`, [index])),
    }[model];
    try {
      const { outputs } = await app.predict(model, inputs ?? [], { capture: 'never', timeoutMs: 20_000 });
      assert.ok(outputs.every((output) => float32(output).every(Number.isFinite)));
      return 'served';
    } catch (error) {
      assert.ok(
        error instanceof EdgeError && error.code !== 'INTERNAL' && error.code !== 'DEADLINE_EXCEEDED',
      );
      return error.message;
    }
  };
  /** The agent serves what it has always served, in the process that it was. */
  const goesOn = async (agent: ComponentProcess, app: EdgeManagerClient): Promise<void> => {
    assert.equal(await answer(app, MODEL), 'served');
    assert.ok(agent.isRunning, agent.output);
  };

  it('are refused with a sentence or served, and end nothing: at a deployment, and after a rollback', async () => {
    await using device = await FaultDevice.create();
    const folders = {
      Outside: await writeTestPackage(device.bench.root, outsidePackage()),
      Random: await randomPackage(device.bench.root),
      Wide: await widePackage(device.bench.root),
    };
    const register = async (model: keyof typeof folders) =>
      await device.bench.register(folders[model], `org.edgemanager.model.${model}`);
    const isJudged = async (model: keyof typeof folders): Promise<void> => {
      const { code, output } = await register(model);
      const wanted = REFUSED[model];
      assert.equal(code, wanted === undefined ? 0 : 1, output);
      if (wanted !== undefined) assert.match(output, wanted);
    };
    const models = Object.keys(folders) as (keyof typeof folders)[];
    {
      await using agent = device.startAgent(former);
      await agent.said(CONNECTED);
      const app = await device.bench.app('com.example.First');
      await device.installModel();
      for (const model of models) {
        await isJudged(model);
        await goesOn(agent, app);
      }
      await agent.stop('SIGTERM');
    }
    {
      await using agent = device.startAgent();
      await agent.said(CONNECTED);
      const app = await device.bench.app('com.example.Second');
      for (const model of models) {
        const { code, output } = await register(model);
        assert.equal(code, 0, output);
        assert.equal(await answer(app, model), 'served');
      }
      await agent.stop('SIGTERM');
    }
    {
      await using agent = device.startAgent(former);
      await agent.said(CONNECTED);
      const app = await device.bench.app('com.example.Third');
      for (const model of models) {
        const answered = await answer(app, model);
        assert.equal(answered === 'served', REFUSED[model] === undefined, answered);
        await isJudged(model);
        await goesOn(agent, app);
      }
      await agent.stop('SIGKILL');
    }
    await using agent = device.startAgent();
    await agent.said(CONNECTED);
    const app = await device.bench.app('com.example.Fourth');
    for (const model of [MODEL, ...models]) assert.equal(await answer(app, model), 'served');
    await goesOn(agent, app);
  });
});
