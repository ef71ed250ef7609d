import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostTensor } from '../../../src/runtime/host/port/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { cpuMs } from '../../bench/agent/processes.js';
import { HostBench, hostPids, hostTensor, outputFloats, runRequest } from '../../lib/model-hosts.js';
import {
  bombPackage,
  identityPackage,
  logPackage,
  loopPackage,
  weightyPackage,
} from '../../lib/test-models.js';
import { identityModel } from '../../lib/onnx-builder.js';
import { floats, floatsOf, tensorOf } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';
import { isWithin } from '../../lib/patience.js';

const HOST_PARENT = fileURLToPath(new URL('../../lib/host-parent.js', import.meta.url));
const HOSTS_MODULE = new URL('../../../src/runtime/host/mod.js', import.meta.url).href;
const FOREVER = tensorOf('trips', 'INT64', [], BigInt64Array.of(10n ** 12n));
const ONCE = tensorOf('trips', 'INT64', [], BigInt64Array.of(1n));

describe('model hosts as processes', () => {
  let bench: HostBench;
  beforeEach(async () => {
    bench = await HostBench.create();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it('verify, compile, load and test a package, and run it', async () => {
    const spec = {
      ...(await bench.package(identityPackage())),
      compiledCacheFolder: join(bench.folder, 'cache'),
    };
    const model = await bench.hosts.load(spec);
    assert.equal(model.report.name, 'Identity');
    assert.equal(model.report.samplesRun, 1);
    assert.deepEqual(model.report.signature, { state: 'unsigned' });
    assert.equal(model.report.cacheHit, false);
    const result = await model.run(runRequest([floats('x', [3])]), 2000);
    assert.deepEqual(outputFloats(result.outputs[0]), [3]);
    assert.equal(result.nonFinite, false);
    assert.equal(result.captured, 'no');
    await model.unload();
    assert.equal((await model.gone).kind, 'closed');

    const { compiledDigest } = model.report;
    assert.match(String(compiledDigest), /^[0-9a-f]{64}$/);
    const again = await bench.hosts.load({
      ...spec,
      ...(compiledDigest === undefined ? {} : { compiledDigest }),
    });
    assert.equal(again.report.cacheHit, true);
    assert.deepEqual(outputFloats((await again.run(runRequest([floats('x', [4])]), 2000)).outputs[0]), [4]);
  });

  it('compile again where the compiled file is not the one that the registry knows', async () => {
    const spec = {
      ...(await bench.package(identityPackage())),
      compiledCacheFolder: join(bench.folder, 'cache'),
    };
    const first = await bench.hosts.load(spec);
    await first.unload();
    const again = await bench.hosts.load({ ...spec, compiledDigest: 'ab'.repeat(32) });
    assert.equal(again.report.cacheHit, false);
    assert.equal(again.report.compiledDigest, first.report.compiledDigest);
  });

  it('leave no graph of the same model that another CPU or another runtime had compiled', async () => {
    const folder = join(bench.folder, 'cache');
    const spec = { ...(await bench.package(identityPackage())), compiledCacheFolder: folder };
    await bench.hosts.load(spec);
    const [name = ''] = await readdir(folder);
    const former = `${name.slice(0, 64)}-1.0.0-another.ort`;
    const others = `${'ab'.repeat(32)}-1.0.0-another.ort`;
    for (const file of [former, others]) await writeFile(join(folder, file), 'graph');
    await using own = await HostBench.create();
    await own.hosts.load(spec);
    assert.deepEqual(new Set(await readdir(folder)), new Set([name, others]));
  });

  it('let the threads of a model spin between runs in the profile latency only', async () => {
    const cpuOf = async (profile: 'efficient' | 'latency'): Promise<number> => {
      await using own = await HostBench.create({ profile });
      const others = new Set(await hostPids());
      const model = await own.hosts.load({ ...(await own.package(weightyPackage(8_000_000))), threads: 2 });
      const pid = (await hostPids()).find((one) => !others.has(one)) ?? 0;
      const beforeMs = cpuMs(pid);
      for (let run = 0; run < 20; run++) {
        await model.run(runRequest([floats('x', [run])]), 5000);
        await systemClock.sleep(20);
      }
      return cpuMs(pid) - beforeMs;
    };
    const efficientMs = await cpuOf('efficient');
    const latencyMs = await cpuOf('latency');
    // Measured: 20 ms of waiting cost a spinning thread about 20 ms.
    assert.ok(latencyMs > 2 * efficientMs, `latency ${latencyMs} ms, efficient ${efficientMs} ms`);
  });

  it('give the child an environment without anything of ours', async () => {
    process.env['SVCUID'] = 'secret';
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = 'secret';
    try {
      const model = await bench.hosts.load(await bench.package(identityPackage()));
      const pids = await hostPids();
      assert.ok(pids.length > 0);
      for (const pid of pids) {
        const names = (await readFile(`/proc/${pid}/environ`, 'utf8'))
          .split('\0')
          .filter((entry) => entry !== '')
          .map((entry) => entry.replace(/=.*/s, ''));
        assert.deepEqual(
          new Set(names),
          new Set([
            'EDGE_MANAGER_CONFINEMENT',
            'MALLOC_ARENA_MAX',
            'MALLOC_TRIM_THRESHOLD_',
            'OPENSSL_CONF',
            'ORT_DISABLE_TELEMETRY',
          ]),
        );
      }
      await model.unload();
    } finally {
      delete process.env['SVCUID'];
      delete process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
    }
  });

  it('refuse a package whose golden sample differs', async () => {
    const good = identityPackage();
    const samples = [{ name: 'wrong', inputs: [floats('x', [7])], outputs: [floats('y', [8])] }];
    const spec = await bench.package({ ...good, samples });
    await assert.rejects(bench.hosts.load(spec), {
      code: 'FAILED_PRECONDITION',
      message: /golden sample 'wrong' differs/,
    });
    // A killed process stands in the table until it is reaped.
    await until(async () => (await hostPids()).length === 0, 'no host is left');
  });

  it('refuse a model with other inputs than its manifest', async () => {
    const spec = await bench.package({
      ...identityPackage(),
      inputs: [{ name: 'z', datatype: 'FP32', shape: [1] }],
      samples: [{ name: 'seven', inputs: [floats('z', [7])], outputs: [floats('y', [7])] }],
    });
    await assert.rejects(bench.hosts.load(spec), { code: 'FAILED_PRECONDITION', field: 'inputs' });
  });

  it('answer a hanging run at its deadline, end its host, and leave others alone', async () => {
    const hanging = await bench.hosts.load(await bench.package(loopPackage()));
    const other = await bench.hosts.load(await bench.package(identityPackage()));
    const begun = performance.now();
    const caller = 'com.example.App';
    const run = hanging.run(runRequest([floats('x', [1]), FOREVER], { caller }), 200);
    assert.deepEqual(outputFloats((await other.run(runRequest([floats('x', [5])]), 30_000)).outputs[0]), [5]);
    assert.ok((await hanging.measureBytes()) > 1e6, 'measuring does not wait for the run');
    await assert.rejects(run, { code: 'DEADLINE_EXCEEDED' });
    const exit = await hanging.gone;
    assert.deepEqual([exit.kind, exit.caller], ['killed-deadline', caller]);
    assert.ok(isWithin(performance.now() - begun, 5000));
    await assert.rejects(hanging.run(runRequest([floats('x', [1]), ONCE]), 200), { code: 'UNAVAILABLE' });
    assert.deepEqual(outputFloats((await other.run(runRequest([floats('x', [6])]), 30_000)).outputs[0]), [6]);
    assert.equal(bench.hosts.restarts, 1);
  });

  it('fail the run that a crash interrupts, at once', async () => {
    const model = await bench.hosts.load(await bench.package(loopPackage()));
    const run = assert.rejects(model.run(runRequest([floats('x', [1]), FOREVER]), 60_000), {
      code: 'UNAVAILABLE',
      atFault: true,
    });
    const beside = assert.rejects(model.run(runRequest([floats('x', [1]), ONCE]), 60_000), {
      code: 'UNAVAILABLE',
      atFault: false,
    });
    const [pid] = await hostPids();
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSEGV');
    await run;
    await beside;
    const exit = await model.gone;
    assert.equal(exit.kind, 'crashed');
    assert.match(exit.sentence, /SIGSEGV/);
  });

  it('say plainly when memory is short, and go on', async () => {
    const model = await bench.hosts.load(await bench.package(bombPackage()));
    const size = (elements: bigint): HostTensor[] => [
      hostTensor({ name: 'size', datatype: 'INT64', shape: [1], data: [String(elements)] }),
    ];
    await assert.rejects(model.run(runRequest(size(10n ** 13n)), 5000), { code: 'RESOURCE_EXHAUSTED' });
    assert.deepEqual(outputFloats((await model.run(runRequest(size(3n)), 5000)).outputs[0]), [1]);
  });

  it('mark outputs that are not finite', async () => {
    const model = await bench.hosts.load(await bench.package(logPackage()));
    assert.equal((await model.run(runRequest([floats('x', [1])]), 2000)).nonFinite, false);
    assert.equal((await model.run(runRequest([floats('x', [-1])]), 2000)).nonFinite, true);
    assert.equal((await model.run(runRequest([floats('x', [0])]), 2000)).nonFinite, true);
    // What goes in comes out: that is no fault of the model.
    assert.equal((await model.run(runRequest([floats('x', [NaN])]), 2000)).nonFinite, false);
  });

  it('run without giving outputs where nobody wants them', async () => {
    const model = await bench.hosts.load(await bench.package(logPackage('Blind')));
    const blind = { ...runRequest([floats('x', [-1])]), maxInlineBytes: 1, blind: true };
    const { outputs, nonFinite } = await model.run(blind, 2000);
    assert.deepEqual([outputs, nonFinite], [[], true]);
  });

  it('read inputs from the exchange folder and write outputs there', async () => {
    const count = 150_000;
    const spec = await bench.package({
      name: 'Large',
      model: identityModel('FP32', [count]),
      inputs: [{ name: 'x', datatype: 'FP32', shape: [count] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [count] }],
    });
    const model = await bench.hosts.load(spec);
    const exchangeFolder = await bench.exchangeFolder();
    const input = Buffer.from(Float32Array.from({ length: count }, (_, index) => index / 7).buffer);
    await writeFile(join(exchangeFolder, 'both.bin'), Buffer.concat([input, Buffer.alloc(input.length)]));
    const file = { name: 'both.bin', offset: 0, byteSize: input.length };
    const result = await model.run(
      runRequest([{ name: 'x', datatype: 'FP32', shape: [count], file }], {
        exchangeFolder,
        outputFile: { ...file, offset: input.length },
      }),
      5000,
    );
    const [output] = result.outputs;
    assert.ok(output !== undefined && 'file' in output);
    assert.deepEqual(output.file, { ...file, offset: input.length });
    const bytes = await readFile(join(exchangeFolder, 'both.bin'));
    assert.ok(bytes.subarray(input.length).equals(input));
    await assert.rejects(
      model.run(
        runRequest([{ name: 'x', datatype: 'FP32', shape: [count], file }], { exchangeFolder }),
        5000,
      ),
      { code: 'INVALID_ARGUMENT', field: 'outputFile' },
    );
  });

  it('send the sampled records after the reply, redacted', async () => {
    const records = bench.sampled;
    const spec = await bench.package(identityPackage());
    const model = await bench.hosts.load({
      ...spec,
      capture: { policies: [{ type: 'every-n', n: 2 }], redaction: [{ action: 'drop', name: 'x' }] },
    });
    const captured = [];
    for (let index = 0; index < 4; index++) {
      const capture = { mode: 'policies', captureId: `c${index}`, clockSynchronised: true } as const;
      captured.push((await model.run(runRequest([floats('x', [index])], { capture }), 2000)).captured);
    }
    assert.deepEqual(captured, ['yes', 'no', 'yes', 'no']);
    await model.setCapture(undefined);
    const always = { mode: 'always', captureId: 'c9', clockSynchronised: true } as const;
    assert.equal(
      (await model.run(runRequest([floats('x', [9])], { capture: always }), 2000)).captured,
      'yes',
    );
    await model.unload();
    assert.deepEqual(
      records.map(({ captureId, reasons, inputs }) => [captureId, reasons[0], inputs.length]),
      [
        ['c0', 'every-n', 0],
        ['c2', 'every-n', 0],
        ['c9', 'on-demand', 1],
      ],
    );
    assert.equal(records[0]?.model, 'Identity');
    assert.deepEqual(floatsOf(records[2]?.inputs[0]), [9]);
  });

  it("capture what the manifest asks for, below the device's own configuration", async () => {
    const policies = [{ type: 'every-n', n: 1 }];
    const spec = await bench.package({ ...identityPackage(), capture: { policies, inputs: false } });
    const model = await bench.hosts.load({ ...spec, capture: {} });
    const captured = async (): Promise<string> =>
      (await model.run(runRequest([floats('x', [1])]), 2000)).captured;
    const records = bench.sampled;
    assert.equal(await captured(), 'yes');
    await model.setCapture({ policies: [] });
    assert.equal(await captured(), 'no');
    await model.setCapture({ inputs: true });
    assert.equal(await captured(), 'yes');
    await model.unload();
    assert.deepEqual(
      records.map(({ inputs, outputs }) => [inputs.length, outputs.length]),
      [
        [0, 1],
        [1, 1],
      ],
    );
  });

  it('close at once where a run hangs', async () => {
    const model = await bench.hosts.load(await bench.package(loopPackage()));
    const run = assert.rejects(model.run(runRequest([floats('x', [1]), FOREVER]), 60_000), {
      code: 'UNAVAILABLE',
    });
    const begun = performance.now();
    await bench.hosts.close();
    await run;
    assert.ok(isWithin(performance.now() - begun, 3000));
    assert.equal((await model.gone).kind, 'closed');
    assert.equal(bench.hosts.restarts, 0);
  });

  it('kill a host that outgrows its memory', async () => {
    await using small = await HostBench.create({ maxHostBytes: 400 * 2 ** 20 });
    const model = await small.hosts.load(await small.package(bombPackage()));
    const size = hostTensor({ name: 'size', datatype: 'INT64', shape: [1], data: ['500000000'] });
    await assert.rejects(model.run(runRequest([size]), 15_000), { code: 'RESOURCE_EXHAUSTED' });
    assert.equal((await model.gone).kind, 'killed-memory');
  });

  it('kill a host that outgrows what its model may take, and no other', async () => {
    for (const isolation of ['model', 'shared'] as const) {
      await using small = await HostBench.create({ isolation });
      const model = await small.hosts.load(await small.package(bombPackage()));
      await model.limitMemory(400 * 2 ** 20);
      const size = hostTensor({ name: 'size', datatype: 'INT64', shape: [1], data: ['500000000'] });
      await assert.rejects(model.run(runRequest([size]), 15_000), { reason: 'MEMORY_LIMIT' }, isolation);
      assert.equal((await model.gone).kind, 'killed-memory');
    }
  });

  it('kill a host whose load takes more than it may', async () => {
    const spec = await bench.package(bombPackage());
    await assert.rejects(bench.hosts.load({ ...spec, loadLimitBytes: 2 ** 20 }), {
      reason: 'MEMORY_LIMIT',
    });
  });

  it('keep the native library out of the process that starts them', async () => {
    const script = `
      await import(${JSON.stringify(HOSTS_MODULE)});
      const libraries = process.report.getReport().sharedObjects;
      console.log(libraries.filter((path) => path.includes('onnxruntime')).length);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(output.toString().trim(), '0');
  });

  it('share a budget of threads: what a model asks for, what others leave, never less than one', async () => {
    const threadsOf = async (name: string, threads: number, version = '1.0.0'): Promise<number> => {
      const before = await hostPids();
      await bench.hosts.load({ ...(await bench.package({ ...identityPackage(name), version })), threads });
      const [pid] = (await hostPids()).filter((one) => !before.includes(one));
      return (await readdir(`/proc/${pid}/task`)).length;
    };
    // The budget is 2. ONNX Runtime runs one of a session's threads on the caller's own.
    const alone = await threadsOf('One', 1);
    assert.equal(await threadsOf('Greedy', 8), alone);
    await bench.hosts.close();
    bench = await HostBench.create({ threadBudget: 4 });
    assert.equal(await threadsOf('Three', 3), alone + 2);
    assert.equal(await threadsOf('Greedy', 8), alone);
    assert.equal(await threadsOf('Three', 3, '2.0.0'), alone + 2);
  });

  it('end when they are closed', async () => {
    const model = await bench.hosts.load(await bench.package(identityPackage()));
    const pids = await hostPids();
    assert.equal(pids.length, 1);
    await bench.hosts.close();
    assert.equal((await model.gone).kind, 'closed');
    await until(async () => (await hostPids()).length === 0, 'no host is left');
  });

  it('end when the process that started them is killed, even within a run that hangs', async () => {
    const spec = await bench.package(loopPackage());
    const request = runRequest([floats('x', [1]), FOREVER]);
    const parent = spawn(process.execPath, [HOST_PARENT, JSON.stringify({ spec, request })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(parent.stdout, 'data');
      const pids = await hostPids(parent.pid);
      assert.equal(pids.length, 1);
      parent.kill('SIGKILL');
      await until(() => pids.every((pid) => !existsSync(`/proc/${pid}`)), 'the host has ended');
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('stay through the signals that stop a component, as requests are drained then', async () => {
    const model = await bench.hosts.load(await bench.package(identityPackage()));
    const [pid] = await hostPids();
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGTERM');
    process.kill(pid, 'SIGINT');
    assert.deepEqual(outputFloats((await model.run(runRequest([floats('x', [5])]), 30_000)).outputs[0]), [5]);
  });
});
