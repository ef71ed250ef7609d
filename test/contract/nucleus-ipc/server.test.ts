import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { EdgeError } from '../../../src/core/mod.js';
import { PROFILES } from '../../../src/local/nucleus/api/mod.js';
import { createIotBroker, startIpcServer } from '../../../src/local/nucleus/ipc/mod.js';
import { encodeFrame, MESSAGE_TYPE } from '../../../src/ipc/frames/mod.js';
import { ALLOW_ALL, connectClient, startIpcHarness } from '../../lib/ipc-harness.js';
import { MemoryKernel } from '../../lib/memory-kernel.js';
import { json, RawIpcClient } from '../../lib/raw-ipc-client.js';

describe('IPC server: its socket', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ipc-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const options = (
    socketPath: string,
  ): { socketPath: string; kernel: MemoryKernel; iotCore: ReturnType<typeof createIotBroker> } => {
    const kernel = new MemoryKernel('nucleus');
    kernel.add('app', ALLOW_ALL);
    return { socketPath, kernel, iotCore: createIotBroker() };
  };

  it('closing cuts the clients and frees the path, and a server can open it again', async () => {
    const path = join(folder, 's');
    const first = await startIpcServer(options(path));
    const client = await connectClient(path, 'app-token');
    const disconnected = once(client, 'disconnection');
    await first.close();
    await first.close();
    await disconnected;
    await assert.rejects(stat(path), { code: 'ENOENT' });
    const second = await startIpcServer(options(path));
    await (await connectClient(path, 'app-token')).close();
    await second.close();
  });

  it('a path that a live server has is one clear error', async () => {
    const path = join(folder, 's');
    await using first = await startIpcServer(options(path));
    await assert.rejects(startIpcServer(options(path)), (error: unknown) => {
      assert.ok(error instanceof EdgeError);
      assert.equal(error.code, 'ALREADY_EXISTS');
      assert.equal(error.message, `Cannot open the IPC socket ${path} as another nucleus serves it`);
      return true;
    });
    await (await connectClient(first.socketPath, 'app-token')).close();
  });

  it('a file that is no socket is never removed', async () => {
    const path = join(folder, 's');
    await writeFile(path, 'precious');
    await assert.rejects(startIpcServer(options(path)), { code: 'ALREADY_EXISTS' });
    await stat(path);
  });

  it('the socket of a killed server is replaced', async () => {
    const path = join(folder, 's');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    await stat(path);
    await using server = await startIpcServer(options(path));
    await (await connectClient(server.socketPath, 'app-token')).close();
  });

  it('a path that is too long, or in no folder, is one clear error', async () => {
    await assert.rejects(startIpcServer(options(join(folder, 'x'.repeat(120)))), {
      code: 'INVALID_ARGUMENT',
    });
    await assert.rejects(startIpcServer(options(join(folder, 'none', 's'))), { code: 'UNAVAILABLE' });
  });

  it('only its owner can open the socket', async () => {
    await using server = await startIpcServer(options(join(folder, 's')));
    assert.equal((await stat(server.socketPath)).mode & 0o777, 0o600);
  });

  it('a stranger that only listens does not stop the check of a taken path', async () => {
    const path = join(folder, 's');
    const stranger = createServer().listen(path);
    await once(stranger, 'listening');
    await assert.rejects(startIpcServer(options(path)), { code: 'ALREADY_EXISTS' });
    stranger.close();
  });
});

for (const profile of PROFILES) {
  describe(`IPC server: the protocol, ${profile}`, () => {
    it('a wrong SVCUID closes the connection; the Java nucleus sends a connect ack without acceptance first', async () => {
      await using harness = await startIpcHarness(profile);
      const raw = await RawIpcClient.open(harness.socketPath);
      raw.send({ ...connectFrame, payload: json({ authToken: 'wrong' }) });
      await raw.ended;
      const answers = raw.frames.received.map(({ type, flags }) => [type, flags]);
      assert.deepEqual(answers, profile === 'nucleus' ? [[MESSAGE_TYPE.connectAck, 0]] : []);
    });

    it('a connect message with another version, no payload or no token is refused', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const good = json({ authToken: 'app-token' });
      const bad = [
        { ...connectFrame, version: '9.9.9', payload: good },
        connectFrame,
        { ...connectFrame, payload: json({}) },
        { ...connectFrame, payload: Buffer.from('{') },
        { ...connectFrame, type: MESSAGE_TYPE.applicationMessage, streamId: 1, payload: good },
      ];
      for (const frame of bad) {
        const raw = await RawIpcClient.open(harness.socketPath);
        raw.send(frame);
        await raw.ended;
        assert.ok(raw.frames.received.every(({ flags }) => flags === 0));
      }
    });

    it('bytes that are no frame, and frames with a wrong checksum, close the connection and no other', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      const broken = Buffer.from(encodeFrame({ ...connectFrame, payload: json({ authToken: 'app-token' }) }));
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64), broken]) {
        const raw = await RawIpcClient.open(harness.socketPath);
        raw.socket.write(bytes);
        await raw.ended;
        assert.deepEqual(raw.frames.received, []);
      }
      await client.getConfiguration({ keyPath: [] });
    });

    it('a frame that comes byte by byte is read', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.open(harness.socketPath);
      raw.socket.setNoDelay(true);
      for (const byte of encodeFrame({ ...connectFrame, payload: json({ authToken: 'app-token' }) })) {
        raw.socket.write(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal((await raw.frames.until(1))[0]?.flags, 1);
      raw.socket.destroy();
    });

    it('a request that is no JSON object, or misses a field, is refused and the connection stays', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      const request = { type: MESSAGE_TYPE.applicationMessage, flags: 0 };
      const operation = 'aws.greengrass#PublishToTopic';
      const payloads = ['{', '[]', '{"topic":"a"}', '{"topic":5,"publishMessage":{}}'];
      for (const [index, text] of payloads.entries()) {
        raw.send({ ...request, streamId: index + 100, operation, payload: Buffer.from(text) });
      }
      const answers = (await raw.frames.until(5)).slice(1);
      for (const { type, shape, contentType } of answers) {
        assert.equal(type, MESSAGE_TYPE.applicationError);
        assert.equal(shape, profile === 'lite' ? 'aws.greengrass#ServiceError' : undefined);
        assert.equal(contentType, profile === 'lite' ? 'application/json' : 'text/plain');
      }
      raw.request('GetConfiguration', {});
      assert.equal((await raw.frames.until(6))[5]?.shape, 'aws.greengrass#GetConfigurationResponse');
      raw.socket.destroy();
    });

    it('a ping closes the connection', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      raw.send({ type: MESSAGE_TYPE.ping, flags: 0, streamId: 0, payload: Buffer.from('p') });
      await raw.ended;
    });

    it('a message outside of any stream closes the connection; the nucleus sends a protocol error first', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      raw.send({ type: MESSAGE_TYPE.applicationMessage, flags: 0, streamId: 0 });
      await raw.ended;
      const types = raw.frames.received.slice(1).map(({ type }) => type);
      assert.deepEqual(types, profile === 'nucleus' ? [MESSAGE_TYPE.protocolError] : []);
    });

    it('subscriptions of a client that is gone are gone', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { a: 1 });
      await client.subscribeToConfigurationUpdate({ keyPath: [] }).activate();
      assert.equal(harness.kernel.configurationListeners, 1);
      await client.close();
      while (harness.kernel.configurationListeners > 0) await new Promise((resolve) => setImmediate(resolve));
    });
  });
}

const connectFrame = { type: MESSAGE_TYPE.connect, flags: 0, streamId: 0, version: '0.1.0' } as const;
