import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSettings, HostedModel, LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import {
  HostBench,
  outputFloats,
  runRequest,
  writeTestPackage,
  type TestPackage,
} from '../../lib/model-hosts.js';
import { pythonAbsence, pythonProgram } from '../../lib/python-host.js';
import { identityPackage, logPackage, loopPackage } from '../../lib/test-models.js';
import { floats, tensorOf } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const FOREVER = tensorOf('trips', 'INT64', [], BigInt64Array.of(10n ** 12n));

function inPython(rest: Partial<EngineSettings> = {}): { engines: EngineSettings } {
  const models = Object.fromEntries(['Identity', 'Log', 'Loop'].map((name) => [name, { providers: [] }]));
  return { engines: { interpreter: 'python3', models, ...rest } };
}

describe('models in the device’s own Python', () => {
  let bench: HostBench | undefined;
  before(async function () {
    const absence = pythonAbsence('numpy', 'onnxruntime');
    if (absence !== undefined) {
      console.log(`      skipped: ${absence}`);
      this.skip();
    }
    bench = await HostBench.create(inPython());
  });
  after(() => bench?.[Symbol.asyncDispose]());
  const load = async (given: TestPackage, rest: Partial<LoadSpec> = {}): Promise<HostedModel> => {
    assert.ok(bench !== undefined);
    return await bench.hosts.load({ ...(await bench.package(given)), ...rest });
  };

  it('are verified, loaded, proven by their golden samples and run', async () => {
    const model = await load(identityPackage());
    assert.equal(model.report.name, 'Identity');
    assert.equal(model.report.samplesRun, 1);
    assert.equal(model.report.engine?.provider, 'CPUExecutionProvider');
    assert.match(model.report.engine?.language ?? '', /^python 3\./);
    const result = await model.run(runRequest([floats('x', [3])]), 5000);
    assert.deepEqual(outputFloats(result.outputs[0]), [3]);
    assert.equal(result.nonFinite, false);
    await model.unload();
    assert.equal((await model.gone).kind, 'closed');
  });

  it('run in a host that the kernel holds to its own files, where it can', async () => {
    const inNode = await load(identityPackage('InNode'));
    const inPython = await load({ ...identityPackage(), version: '4.0.0' });
    assert.equal(inNode.report.engine, undefined);
    assert.deepEqual(inPython.report.confinement, inNode.report.confinement);
  });

  it('are refused with what to install where there is no such Python', async () => {
    await using without = await HostBench.create(inPython({ interpreter: '/nonexistent/python3' }));
    await assert.rejects(without.hosts.load(await without.package(identityPackage())), {
      reason: 'ENGINE_MISSING',
      message: /there is no such program/,
    });
  });

  it('say which providers compute nothing, and are refused where one of them must', async () => {
    const providers = [{ name: 'CUDAExecutionProvider', options: {} }];
    const withModel = (requireProvider?: string): { engines: EngineSettings } =>
      inPython({ models: { Identity: { providers, requireProvider } } });
    await using lenient = await HostBench.create(withModel());
    const { report } = await lenient.hosts.load(await lenient.package(identityPackage()));
    assert.equal(report.engine?.provider, 'CPUExecutionProvider');
    assert.match(report.engine?.missing?.['CUDAExecutionProvider'] ?? '', /has no CUDAExecutionProvider/);
    await using strict = await HostBench.create(withModel('CUDAExecutionProvider'));
    await assert.rejects(strict.hosts.load(await strict.package(identityPackage())), {
      reason: 'ENGINE_MISSING',
      message: /CUDAExecutionProvider must compute it: this onnxruntime has no CUDAExecutionProvider/,
    });
  });

  it('are refused where their package was changed, and where a sample differs', async () => {
    assert.ok(bench !== undefined);
    const changed = await bench.package({ ...identityPackage(), version: '5.0.0' });
    await writeFile(join(changed.folder, 'model.onnx'), 'changed');
    await assert.rejects(bench.hosts.load(changed), { code: 'FAILED_PRECONDITION' });
    const given = identityPackage();
    const samples = [{ name: 'wrong', inputs: [floats('x', [1])], outputs: [floats('y', [2])] }];
    await assert.rejects(load({ ...given, version: '2.0.0', samples }), {
      reason: 'PACKAGE_REFUSED_SAMPLES',
      message: /golden sample 'wrong' differs/,
    });
  });

  it('give a run that never ends up at its deadline, with its process', async () => {
    const model = await load(loopPackage());
    await assert.rejects(model.run(runRequest([floats('x', [1]), FOREVER]), 300), {
      code: 'DEADLINE_EXCEEDED',
    });
    assert.equal((await model.gone).kind, 'killed-deadline');
  });

  it('say that outputs are not finite', async () => {
    const model = await load(logPackage());
    const { nonFinite } = await model.run(runRequest([floats('x', [-1])]), 5000);
    assert.equal(nonFinite, true);
  });

  it('take a model over, and give it back, by a configuration alone and without a failed request', async () => {
    await using agent = await AgentBench.create();
    await agent.start();
    const folder = await writeTestPackage(agent.root, identityPackage());
    assert.equal((await agent.register(folder, 'org.edgemanager.model.Identity')).code, 0);
    const app = await agent.app();
    const component = await agent.connect('org.edgemanager.AgentRuntime');
    const configure = async (engine: string, interpreter = pythonProgram()): Promise<void> => {
      const engines = { python: { interpreter }, models: { Identity: { engine } } };
      // The Java nucleus merges objects over objects, and answers all the same that they came too late.
      await component.updateConfiguration([], { engines }).catch(() => undefined);
    };
    const predict = async (): Promise<void> => {
      const { outputs } = await app.predict('Identity', [floats('x', [1])]);
      assert.deepEqual(
        outputs.map(({ name }) => name),
        ['y'],
      );
    };
    const provider = async (): Promise<string | undefined> => (await app.stats()).models[0]?.provider;

    await configure('python');
    while ((await provider()) === undefined) await predict();
    await predict();
    const { engine } = await app.describeModel({ name: 'Identity' });
    assert.match(engine?.language ?? '', /^python 3/);
    await configure('node');
    while ((await provider()) !== undefined) await predict();
    await configure('python', '/nonexistent/python3');
    await until(() => agent.log.includes('A model keeps its former host settings'), 'it stays where it was');
    await predict();
    const { models, hostRestarts } = await app.stats();
    assert.deepEqual([models[0]?.errors, hostRestarts], [0, 0]);
  });

  it('are captured by the policies that stand for them, and redacted', async () => {
    const capture = { policies: [{ type: 'percentage', percent: 100 }], redaction: [] };
    const model = await load({ ...identityPackage(), version: '3.0.0' }, { capture });
    const { captured } = await model.run(runRequest([floats('x', [7])]), 5000);
    assert.equal(captured, 'yes');
    await until(() => bench?.sampled.length === 1, 'the record is there');
    const [record] = bench?.sampled ?? [];
    assert.equal(record?.captureId, 'capture-1');
    assert.equal(record?.provider, 'CPUExecutionProvider');
    assert.deepEqual(outputFloats(record?.outputs[0]), [7]);
    await model.setCapture(undefined);
    assert.equal((await model.run(runRequest([floats('x', [8])]), 5000)).captured, 'no');
  });
});
