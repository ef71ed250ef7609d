import { strict as assert } from 'node:assert';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { predictTopic } from '../../../src/contract/mod.js';
import { deferred, silentLogger, type EdgeError } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { createRequester } from '../../../src/ipc/mod.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import { input, predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

describe("Edge Manager's verbs", () => {
  const load = (twins: AgentTwins, body: object) =>
    twins.requester.request('load', { name: 'alias', ...body }, { timeoutMs: 60_000 });

  it('load a folder under a name of the app, with its status codes', async () => {
    await using twins = await AgentTwins.create();
    const path = await twins.package('1.0.0');
    await assert.rejects(load(twins, { path: '/nothing/here' }), { code: 'NOT_FOUND' });
    await assert.rejects(load(twins, { name: 'with_underscore', path }), { code: 'INVALID_ARGUMENT' });
    assert.equal((await load(twins, { path })).state, 'SERVING');
    await assert.rejects(load(twins, { path }), { code: 'ALREADY_EXISTS' });
    const request = { inputs: [input] };
    const options = { timeoutMs: 5000, topic: predictTopic('alias') };
    assert.equal((await twins.requester.request('predict', request, options)).model, 'alias');
    await twins.requester.request('unload', { name: 'alias' }, { timeoutMs: 60_000 });
    await assert.rejects(twins.requester.request('predict', request, options), { code: 'NOT_FOUND' });
    await assert.rejects(twins.requester.request('unload', { name: 'alias' }, { timeoutMs: 60_000 }), {
      code: 'NOT_FOUND',
    });
    assert.equal((await load(twins, { path })).state, 'SERVING');
  });

  it('take captures, refuse a taken id and the future, and tell their state', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    const submit = (body: object) =>
      twins.requester.request(
        'capture',
        { modelName: 'Model', captureId: 'capture1', inputTensors: [input], ...body },
        { timeoutMs: 60_000 },
      );
    const future = { seconds: Math.floor(Date.now() / 1000) + 60 };
    await assert.rejects(submit({ inferenceTimestamp: future }), { code: 'OUT_OF_RANGE' });
    await assert.rejects(submit({ modelName: 'unknown' }), { code: 'NOT_FOUND' });
    assert.equal((await submit({})).mode, 'durable');
    await assert.rejects(submit({}), { code: 'ALREADY_EXISTS' });
    const status = (captureId: string) =>
      twins.requester.request('captureStatus', { captureId }, { timeoutMs: 60_000 });
    assert.deepEqual(await status('capture1'), {
      captureId: 'capture1',
      status: 'IN_PROGRESS',
      state: 'SPOOLED',
    });
    assert.equal((await status('unheard-of')).status, 'NOT_FOUND');
  });

  it('take auxiliary inputs and outputs in every encoding, inline and by file', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    const options = { timeoutMs: 60_000 };
    const { exchangeFolder } = await twins.requester.request('hello', {}, options);
    await writeFile(join(exchangeFolder, 'frame.jpg'), 'frame');
    const submit = (captureId: string, item: object) =>
      twins.requester.request(
        'capture',
        { modelName: 'Model', captureId, inputs: [{ name: 'frame', ...item } as never], outputs: [] },
        options,
      );
    const file = { name: 'frame.jpg', offset: 1, byteSize: 4 };
    for (const encoding of ['CSV', 'JSON', 'NONE', 'BASE64']) {
      assert.equal((await submit(`b${encoding}`, { encoding, b64: 'YQ==' })).mode, 'durable');
      assert.equal((await submit(`f${encoding}`, { encoding, file, contentType: 'jpg' })).mode, 'durable');
    }
    for (const item of [
      { encoding: 'XML', b64: 'YQ==' },
      { encoding: 'CSV' },
      { encoding: 'CSV', b64: '', file },
      { encoding: 'CSV', file: { ...file, byteSize: 5 } },
    ]) {
      await assert.rejects(submit('refused', item), { code: 'INVALID_ARGUMENT' });
    }
  });

  it('give each client a private folder, and none to another user', async () => {
    await using twins = await AgentTwins.create();
    const hello = (body: object) => twins.requester.request('hello', body, { timeoutMs: 60_000 });
    const { exchangeFolder } = await hello({ uid: process.getuid?.() });
    assert.equal((await stat(exchangeFolder)).mode & 0o777, 0o700);
    assert.match(exchangeFolder, /\/[0-9a-f]{32}$/);
    assert.equal((await hello({})).exchangeFolder, exchangeFolder);
    await assert.rejects(hello({ uid: 12345 }), { code: 'PERMISSION_DENIED', field: 'uid' });
  });

  it('give a component that says hello for ever at most 32 folders, and take none from others', async () => {
    await using twins = await AgentTwins.create();
    const { exchangeFolder } = await twins.requester.request('hello', {}, { timeoutMs: 60_000 });
    for (let client = 0; client < 40; client++) {
      const options = { component: 'com.example.Loud', clock: systemClock, random: systemRandom };
      const transport = twins.broker.connect();
      const loud = await createRequester({ ...options, transport, logger: silentLogger });
      const folder = loud.request('hello', {}, { timeoutMs: 60_000 });
      if (client < 32) await folder;
      else await assert.rejects(folder, { code: 'RESOURCE_EXHAUSTED', reason: 'EXCHANGE_FOLDERS_TAKEN' });
      await loud.close();
    }
    const folders = await readdir(dirname(exchangeFolder));
    assert.equal(folders.length, 33);
    assert.ok(folders.includes(basename(exchangeFolder)));
  });
});

describe('long replies', () => {
  it('come in pages that each fit a message', async () => {
    await using twins = await AgentTwins.create();
    for (let index = 10; index < 50; index++) {
      const name = `model-with-quite-a-long-name-${index}`;
      await twins.register(await twins.package('1.0.0', name), name);
    }
    const app = await twins.app();
    const models = await app.listModels();
    assert.equal(new Set(models.map(({ name }) => name)).size, 40);
    const page = await twins.requester.request('list', {}, { timeoutMs: 60_000 });
    assert.ok(page.next !== undefined && page.models.length < 40);
    await app.close();
  });
});

describe('stopping and updating', () => {
  it('gives every request exactly one reply: its result, or UNAVAILABLE', async () => {
    await using twins = await AgentTwins.create({
      script: () => ({ run: async (): Promise<MemoryRun> => 'hang' }),
    });
    await twins.register(await twins.package('1.0.0'));
    const requests = [1, 2, 3, 4, 5].map(() =>
      predict(twins).then(
        () => 'done',
        (error: EdgeError) => error.code,
      ),
    );
    await until(() => twins.agent.pending === 5, 'all have arrived');
    await twins.link.close();
    await twins.agent.stop(100);
    assert.deepEqual(
      await Promise.all(requests),
      Array.from({ length: 5 }, () => 'UNAVAILABLE'),
    );
  });

  it('defers a component update while requests run, and lets it go on afterwards', async () => {
    const gate = deferred<undefined>();
    await using twins = await AgentTwins.create({
      script: () => ({
        run: async (): Promise<MemoryRun> => {
          await gate.promise;
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    const running = predict(twins);
    await until(() => twins.agent.pending === 1, 'the request runs');
    twins.greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    assert.ok((twins.greengrass.deferred[0]?.recheckAfterMs ?? 0) > 0);
    gate.resolve(undefined);
    await running;
    await until(() => twins.agent.pending === 0, 'the request is done');
    twins.greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    assert.equal(twins.greengrass.deferred[1]?.recheckAfterMs, 0);
  });

  it('changes capture and limits while running, and refuses an invalid change as a whole', async () => {
    await using twins = await AgentTwins.create();
    twins.greengrass.setConfiguration({ queue: { limit: 3 } });
    await until(() => twins.dependencies.configuration.current.queue.limit === 3, 'the change is in force');
    twins.greengrass.setConfiguration({
      queue: { limit: 5 },
      capture: { policies: [{ type: 'sometimes' }] },
    });
    await until(() => twins.dependencies.configuration.refusal !== undefined, 'the change is refused');
    assert.equal(twins.dependencies.configuration.current.queue.limit, 3);
  });
});
