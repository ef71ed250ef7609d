import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, float32, tensor } from '../../../src/client/mod.js';
import {
  deferred,
  silentLogger,
  type EdgeError,
  type JsonObject,
  type Logger,
} from '../../../src/core/mod.js';
import { KIND, PREAMBLE } from '../../../src/ipc/framed/mod.js';
import type { RunRequest } from '../../../src/runtime/host/port/mod.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins, type TwinOptions } from '../../lib/agent-twins.js';
import { RawEndpoint } from '../../lib/raw-endpoint.js';
import { until } from '../../lib/until.js';

const WAY = 'the local endpoint';
const x = tensor('x', 'FP32', [2], Float32Array.of(1, 2));

/** Twins with an endpoint and one model, whose runs wait at a gate where it is shut. */
async function served(endpoint: JsonObject = {}, more: TwinOptions = {}) {
  const gate = { shut: false, open: deferred<undefined>() };
  const runs: RunRequest[] = [];
  const twins = await AgentTwins.create({
    configuration: { endpoint },
    script: () => ({
      run: async (request) => {
        runs.push(request);
        if (gate.shut) await gate.open.promise;
        return {};
      },
    }),
    ...more,
  });
  await twins.register(await twins.package('1.0.0'));
  return { twins, gate, runs };
}

describe('the local endpoint', () => {
  it('is closed unless the configuration has it, and follows it while the agent runs', async () => {
    const { twins } = await served(undefined, { configuration: {} });
    await using _agent = twins;
    assert.equal(existsSync(twins.endpointPath), false);
    twins.greengrass.setConfiguration({ endpoint: {} });
    await until(() => existsSync(twins.endpointPath), 'it opens');
    await using app = await twins.app('app', WAY);
    assert.deepEqual((await app.predict('Model', [x])).outputs.map(float32), [Float32Array.of(1, 2)]);
    const elsewhere = join(twins.folder, 'elsewhere.sock');
    twins.greengrass.setConfiguration({ endpoint: { unixSocket: elsewhere } });
    await until(() => existsSync(elsewhere) && !existsSync(twins.endpointPath), 'it moves');
    await using other = (await connect({ endpoint: elsewhere })).client;
    assert.equal((await other.predict('Model', [x])).version, '1.0.0');
    twins.greengrass.setConfiguration({});
    await until(() => !existsSync(elsewhere), 'it closes');
  });

  it('lets its owner alone in, and a group where one is named', async () => {
    const { twins } = await served();
    await using _agent = twins;
    assert.equal(statSync(twins.endpointPath).mode & 0o777, 0o600);
    const group = String(process.getgid?.() ?? 0);
    twins.greengrass.setConfiguration({ endpoint: { group } });
    await until(
      () => (statSync(twins.endpointPath, { throwIfNoEntry: false })?.mode ?? 0) % 0o1000 === 0o660,
      'it opens for the group',
    );
    assert.equal(String(statSync(twins.endpointPath).gid), group);
  });

  it('replaces a socket that a kill left, and neither a live one nor a file', async () => {
    const said: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => said.push(String(fields?.['reason'])),
    };
    const { twins } = await served(undefined, { configuration: {}, logger });
    await using _agent = twins;
    const stale = join(twins.folder, 'stale.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await new Promise((resolve) => spawn(process.execPath, ['-e', script]).once('exit', resolve));
    assert.ok(statSync(stale).isSocket());
    twins.greengrass.setConfiguration({ endpoint: { unixSocket: stale } });
    await using app = (await connect({ endpoint: stale })).client;
    assert.equal((await app.predict('Model', [x])).version, '1.0.0');

    const live = join(twins.folder, 'live.sock');
    await using server = createServer().listen(live);
    await until(() => server.listening, 'another one listens');
    twins.greengrass.setConfiguration({ endpoint: { unixSocket: live } });
    await until(() => said.some((reason) => reason.includes('answers at')), 'it says that it is taken');
    const file = join(twins.folder, 'file.sock');
    writeFileSync(file, 'kept');
    twins.greengrass.setConfiguration({ endpoint: { unixSocket: file } });
    await until(() => said.some((reason) => reason.includes('is no socket')), 'it says that it is no socket');
    assert.ok(statSync(file).isFile());
  });
});

describe('rights at the local endpoint', () => {
  const refused = { code: 'PERMISSION_DENIED', reason: 'ENDPOINT_REFUSED' };

  it('are to predict, read and capture; control only where it is configured, registration never', async () => {
    const { twins } = await served();
    await using _agent = twins;
    await using app = await twins.app('app', WAY);
    assert.equal((await app.capture({ modelName: 'Model', inputTensors: [x] })).mode, 'durable');
    assert.equal((await app.describeModel({ name: 'Model' })).version, '1.0.0');
    assert.equal((await app.stats()).models.length, 1);
    await assert.rejects(app.unload({ name: 'Model' }), refused);
    await assert.rejects(app.load({ name: 'Model' }), refused);
    twins.greengrass.setConfiguration({ endpoint: { control: true } });
    await until(
      () =>
        app.unload({ name: 'Model' }).then(
          () => true,
          () => false,
        ),
      'it takes control',
    );
    const raw = await RawEndpoint.greeted(twins.endpointPath);
    const body = { component: 'org.edgemanager.model.Model', path: '/' };
    raw.send({ kind: KIND.request, id: 1, metadata: { op: 'register', timeoutMs: 1000, body } });
    const { metadata } = await raw.frame(KIND.error, 1);
    assert.equal((JSON.parse(Buffer.from(metadata).toString()) as EdgeError).reason, refused.reason);
    raw.close();
  });

  it('end at the models that it is for, whatever another field names', async () => {
    const { twins } = await served({ models: ['Model'] });
    await using _agent = twins;
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    await using app = await twins.app('app', WAY);
    assert.equal((await app.predict('Model', [x])).version, '1.0.0');
    assert.deepEqual(
      (await app.listModels()).map(({ name }) => name),
      ['Model'],
    );
    assert.deepEqual(
      (await app.stats()).models.map(({ name }) => name),
      ['Model'],
    );
    await assert.rejects(app.predict('Other', [x]), refused);
    await assert.rejects(app.describeModel({ name: 'Other' }), refused);
    await assert.rejects(app.stats({ model: 'Other' }), refused);
    await assert.rejects(app.capture({ modelName: 'Other', inputTensors: [x] }), refused);
    const raw = await RawEndpoint.greeted(twins.endpointPath);
    const body = { name: 'Model', modelName: 'Other', captureId: 'c' };
    raw.send({ kind: KIND.request, id: 1, metadata: { op: 'capture', timeoutMs: 1000, body } });
    await raw.frame(KIND.error, 1);
    raw.close();
  });
});

describe('requests over one connection', () => {
  it('are answered in any order, many at a time', async () => {
    const { twins, gate } = await served({}, { configuration: { endpoint: {}, queue: { concurrency: 1 } } });
    await using _agent = twins;
    await using app = await twins.app('app', WAY);
    gate.shut = true;
    const predictions = Array.from({ length: 30 }, () => app.predict('Model', [x]));
    assert.equal((await app.listModels()).length, 1, 'what came later is answered first');
    gate.shut = false;
    gate.open.resolve(undefined);
    assert.equal((await Promise.all(predictions)).length, 30);
  });

  it('that nobody waits for are not run, and give their places', async () => {
    const { twins, gate, runs } = await served(
      {},
      { configuration: { endpoint: {}, queue: { concurrency: 1 } } },
    );
    await using _agent = twins;
    await using app = await twins.app('app', WAY);
    await using other = await twins.app('other', WAY);
    gate.shut = true;
    const first = app.predict('Model', [x]);
    await until(() => runs.length === 1, 'the first one runs');
    const abort = new AbortController();
    const waiting = app.predict('Model', [x], { signal: abort.signal });
    const late = app.predict('Model', [x], { timeoutMs: 50 });
    const gone = other.predict('Model', [x]);
    const queued = async (): Promise<number | undefined> => (await app.stats()).models[0]?.queued;
    await until(async () => (await queued()) === 3, 'three wait');
    abort.abort(new Error('no more'));
    await assert.rejects(waiting, /no more/);
    await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
    await other.close();
    await assert.rejects(gone, { reason: 'CLOSED' });
    await until(async () => (await queued()) === 0, 'nobody waits any more');
    gate.open.resolve(undefined);
    await first;
    assert.equal(runs.length, 1);
  });

  it('are done once however often they are sent in one session, over connections too', async () => {
    const { twins, runs } = await served();
    await using _agent = twins;
    const hello = { protocol: 1, name: 'app', session: 's1' };
    const answers: string[] = [];
    for (const session of ['s1', 's1', 's2']) {
      const raw = await RawEndpoint.greeted(twins.endpointPath, { ...hello, session });
      raw.predict(7);
      answers.push(Buffer.from((await raw.frame(KIND.reply, 7)).metadata).toString());
      raw.close();
    }
    assert.equal(answers[0], answers[1]);
    assert.equal(runs.length, 2, 'another session’s ids are its own');
  });

  it('count for their client’s name: captures under its id are its own over connections', async () => {
    const { twins, runs } = await served();
    await using _agent = twins;
    await using app = await twins.app('com.example.App', WAY);
    await app.predict('Model', [x]);
    assert.equal(runs[0]?.caller, 'endpoint/com.example.App');
  });

  it('come back after the agent was restarted, within their time', async () => {
    const { twins } = await served();
    await using _agent = twins;
    await using app = await twins.app('app', WAY);
    await app.predict('Model', [x]);
    await twins.stop();
    const meanwhile = app.predict('Model', [x], { timeoutMs: 60_000 });
    await assert.rejects(app.predict('Model', [x], { timeoutMs: 30 }), {
      reason: 'CONNECTION_LOST',
      message: /the agent's endpoint at .*endpoint\.sock/,
    });
    await twins.start();
    assert.equal((await meanwhile).version, '1.0.0');
  });
});

describe('a client of the local endpoint', () => {
  it('waits for an agent that is not there yet', async () => {
    const { twins } = await served(undefined, { configuration: {} });
    await using _agent = twins;
    await using app = await twins.app('app', WAY);
    const early = app.predict('Model', [x]);
    twins.greengrass.setConfiguration({ endpoint: {} });
    assert.equal((await early).version, '1.0.0');
  });

  it('is told at once that it may not open the socket', async function () {
    if (process.getuid?.() === 0) this.skip();
    const { twins } = await served();
    await using _agent = twins;
    chmodSync(twins.endpointPath, 0);
    await using app = await twins.app('app', WAY);
    await assert.rejects(app.predict('Model', [x]), { reason: 'FILE_DENIED' });
  });
});

describe('whoever does not speak as he should', () => {
  const header = (bodyBytes: number, metadataBytes = 0): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(bodyBytes, 0);
    bytes.writeUInt8(KIND.request, 4);
    bytes.writeUInt32LE(1, 8);
    bytes.writeUInt32LE(metadataBytes, 12);
    return bytes;
  };

  it('is closed without an answer where the first bytes are another protocol’s', async () => {
    const { twins } = await served();
    await using _agent = twins;
    for (const first of ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0edgemgx']) {
      const raw = await RawEndpoint.connect(twins.endpointPath);
      raw.write(first);
      await raw.ended();
      assert.deepEqual(raw.frames, []);
    }
  });

  it('hears why, once, and is closed', async () => {
    const { twins } = await served();
    await using _agent = twins;
    const cases: [string, (raw: RawEndpoint) => void][] = [
      ['FRAME_TOO_LARGE', (raw) => raw.write(header(2 ** 31 - 8))],
      ['MESSAGE_UNREADABLE', (raw) => raw.write(header(12))],
      ['MESSAGE_UNREADABLE', (raw) => raw.write(header(16, 24))],
      ['MESSAGE_UNREADABLE', (raw) => raw.write(Buffer.alloc(64, 0xff))],
    ];
    for (const [reason, act] of cases) {
      const raw = await RawEndpoint.greeted(twins.endpointPath);
      act(raw);
      assert.equal(await raw.refusal(), reason);
    }
    const hellos: [string, object][] = [
      ['PROTOCOL_UNKNOWN', { protocol: 2 }],
      ['FIELD_MISSING', {}],
      ['FIELD_INVALID', { protocol: 1, name: '../x' }],
    ];
    for (const [reason, metadata] of hellos) {
      const raw = await RawEndpoint.connect(twins.endpointPath);
      raw.write(PREAMBLE);
      raw.send({ kind: KIND.hello, id: 0, metadata });
      assert.equal(await raw.refusal(), reason);
    }
    const eager = await RawEndpoint.connect(twins.endpointPath);
    eager.write(PREAMBLE);
    eager.predict(1);
    assert.equal(await eager.refusal(), 'MESSAGE_UNREADABLE');
  });

  it('hears of a wrong request, and goes on', async () => {
    const { twins } = await served();
    await using _agent = twins;
    const raw = await RawEndpoint.greeted(twins.endpointPath);
    const errorOf = async (id: number): Promise<string> =>
      (JSON.parse(Buffer.from((await raw.frame(KIND.error, id)).metadata).toString()) as EdgeError).reason;
    const input = { name: 'x', datatype: 'FP32', shape: [2] };
    const bodies: [string, object][] = [
      ['FIELD_INVALID', { inputs: [{ ...input, bytes: { offset: 8, byteSize: 8 } }] }],
      ['FIELD_INVALID', { inputs: [{ ...input, bytes: { offset: -8, byteSize: 8 } }] }],
      ['FIELD_INVALID', { inputs: [{ ...input, bytes: 'AAAA' }] }],
      ['FIELD_INVALID', { inputs: [{ ...input, bytes: { offset: 0, byteSize: 1e300 } }] }],
      ['FIELD_MISSING', {}],
    ];
    for (const [index, [reason, body]] of bodies.entries()) {
      raw.predict(index + 1, { body });
      assert.equal(await errorOf(index + 1), reason);
    }
    raw.predict(20, { model: undefined });
    assert.equal(await errorOf(20), 'FIELD_MISSING');
    raw.predict(21, { op: 'format' });
    assert.equal(await errorOf(21), 'OPERATION_UNKNOWN');
    raw.send({ kind: 99, id: 22 });
    raw.predict(23);
    await raw.frame(KIND.reply, 23);
    raw.close();
  });

  it('has so many requests and bytes under way, and is not read beyond', async () => {
    const { twins, gate, runs } = await served(
      {},
      { configuration: { endpoint: {}, queue: { concurrency: 64, limit: 5000 } } },
    );
    await using _agent = twins;
    const flood = await RawEndpoint.greeted(twins.endpointPath);
    gate.shut = true;
    for (let id = 1; id <= 5000; id++) flood.predict(id);
    await until(() => runs.length === 64, 'as many run as may');
    // The system's own buffers hold the rest.
    await until(() => flood.unsentBytes > 0, 'it is not read');
    await using app = await twins.app('app', WAY);
    assert.equal((await app.listModels()).length, 1, 'others are');
    assert.equal(runs.length, 64);
    gate.shut = false;
    gate.open.resolve(undefined);
    await flood.frame(KIND.reply, 5000);
    flood.close();
  });

  it('leaves callers over IPC their turn, however many connections it makes', async () => {
    const { twins, gate, runs } = await served(
      {},
      { configuration: { endpoint: {}, queue: { concurrency: 1 } } },
    );
    await using _agent = twins;
    await predict(twins);
    gate.shut = true;
    const crowd = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        RawEndpoint.greeted(twins.endpointPath, { protocol: 1, name: `n${index}` }),
      ),
    );
    for (const one of crowd) for (let id = 1; id <= 3; id++) one.predict(id);
    await until(async () => twins.agent.pending >= 60, 'the crowd waits');
    const mine = predict(twins);
    await until(async () => twins.agent.pending >= 61, 'so do I');
    gate.shut = false;
    gate.open.resolve(undefined);
    await mine;
    const before = runs.findIndex(({ caller }, index) => index > 0 && caller === 'com.example.App');
    assert.ok(before <= 3, `${before} runs went before`);
    for (const one of crowd) one.close();
  });

  it('finds room for a connection where others are idle', async () => {
    const { twins } = await served();
    await using _agent = twins;
    const many: RawEndpoint[] = [];
    for (let index = 0; index < 140; index++) many.push(await RawEndpoint.greeted(twins.endpointPath));
    await using app = await twins.app('app', WAY);
    assert.equal((await app.predict('Model', [x])).version, '1.0.0');
    await until(() => many.some(({ isClosed }) => isClosed), 'the ones silent longest have gone');
    assert.equal(many.at(-1)?.isClosed, false);
    for (const one of many) one.close();
  });
});
