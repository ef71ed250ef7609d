import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { predictTopic, replyTopic } from '../../../src/contract/mod.js';
import { EdgeError, silentLogger } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { createRequester, type Requester } from '../../../src/ipc/mod.js';
import { PROFILES } from '../../../src/local/nucleus/mod.js';
import { connectAdmin, float32 } from '../../../src/client/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { BODIES, bytesOf, changed, hostileValue, operation, topicOf } from '../../lib/hostile-requests.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { judgeReply, type Heard } from '../../lib/reply-oracle.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

const MESSAGES = longRun() ? 20_000 : 600;
const run = promisify(execFile);

async function served(bench: AgentBench): Promise<void> {
  await bench.start();
  const folder = await writeTestPackage(bench.root, identityPackage('Model'));
  assert.equal((await bench.register(folder, 'org.edgemanager.model.Model')).code, 0);
}

/** The agent is the one that was started, and serves. */
async function unharmed(bench: AgentBench): Promise<void> {
  const app = await bench.app('com.example.Witness');
  // An attacker with the right to unload may have unloaded it.
  await app.load({ name: 'Model' });
  const { outputs } = await app.predict('Model', [floats('x', [3])]);
  assert.deepEqual(
    outputs.map((output) => [...float32(output)]),
    [[3]],
  );
  const { controlStarts, hostRestarts } = await app.stats();
  assert.deepEqual([controlStarts, hostRestarts], [1, 0]);
  assert.doesNotMatch(bench.log, /"code":"INTERNAL"|[Uu]nhandled/);
}

for (const profile of PROFILES) {
  describe(`faults: hostile requests to the real agent (${profile})`, () => {
    it(`S3: ${MESSAGES} messages over IPC get one structured error or none`, async () => {
      await using bench = await AgentBench.create({ profile });
      await served(bench);
      const port = await bench.connect('com.example.Attacker');
      const replyTo = replyTopic('com.example.Attacker', '5'.repeat(32));
      const heard: Heard[] = [];
      await port.subscribe(replyTo, (message) => heard.push(message));
      const random = fc.tuple(
        operation,
        fc.nat(),
        hostileValue,
        fc.uint8Array({ maxLength: 300 }),
        fc.nat({ max: 3 }),
      );
      const wanted: string[] = [];
      let sent = '';
      const slowestMs = { value: 0 };
      for (const [index, [op, where, value, bytes, kind]] of fc.sample(random, MESSAGES).entries()) {
        const id = `r${index}`;
        const body = kind === 0 ? BODIES[op] : changed(BODIES[op], where, value);
        const request = { v: 1, id, replyTo, timeoutMs: 20_000, op, body };
        const payload = kind === 3 ? bytes : bytesOf(kind === 2 ? changed(request, where, value) : request);
        if (payload.byteLength > 7000) continue;
        await port.publish(topicOf(op), payload);
        if (kind < 2) wanted.push(id);
        sent += `${Buffer.from(payload).toString()}\n`;
        if (index % 50 === 49) await answersAll(wanted, heard, slowestMs);
      }
      await answersAll(wanted, heard, slowestMs);
      for (const one of heard) judgeReply(one, sent, [bench.root, bench.environment['SVCUID'] ?? '']);
      await unharmed(bench);
      reportFaultRow({
        row: 'S3',
        cycles: MESSAGES,
        lost: 0,
        duplicated: heard.length - new Set(heard.map(({ payload }) => idOf(payload))).size,
        corrupt: 0,
        note: `${profile}: ${heard.length} answered, 50 at once within ${Math.ceil(slowestMs.value)} ms`,
      });
    });
  });
}

async function answersAll(
  wanted: readonly string[],
  heard: readonly Heard[],
  slowest: { value: number },
): Promise<void> {
  const begunMs = systemClock.monotonicMs();
  const missing = (): string[] => {
    const ids = new Set(heard.map(({ payload }) => idOf(payload)));
    return wanted.filter((id) => !ids.has(id));
  };
  await until(() => missing().length === 0, `${missing().slice(0, 5).join()} are answered`);
  slowest.value = Math.max(slowest.value, systemClock.monotonicMs() - begunMs);
}

function idOf(payload: Uint8Array): string {
  return (JSON.parse(Buffer.from(payload).toString()) as { id: string }).id;
}

describe('faults: hostile bytes and files for the real agent', () => {
  let bench: AgentBench;
  before(async () => {
    bench = await AgentBench.create();
    await served(bench);
  });
  after(() => bench[Symbol.asyncDispose]());

  it('S3: the admin socket answers each line once, drops what is too long, and goes on', async () => {
    const path = join(bench.workFolder, 'admin.sock');
    const lines = [
      '',
      'null',
      '[]',
      '"text"',
      '{',
      '\0\xff',
      '{"v":1}',
      '['.repeat(5000),
      '1e999',
      '{"__proto__":1}',
    ];
    const answers = await talk(path, lines.map((line) => `${line}\n`).join(''));
    assert.equal(answers.length, lines.length - 1);
    for (const answer of answers) assert.match(answer, /"ok":false,"error":\{"code":"INVALID_ARGUMENT"/);
    for (const bytes of ['x'.repeat(24 * 2 ** 20), `${'['.repeat(24 * 2 ** 20)}\n`]) {
      const [answer] = await talk(path, bytes);
      assert.match(answer ?? '', /a line must have at most 1048576 bytes/);
    }
    await using admin = await connectAdmin(path);
    assert.equal((await admin.client.listModels())[0]?.name, 'Model');
    await unharmed(bench);
  });

  it('S3: tensor files are refused with the reason, and other apps have their files to themselves', async () => {
    const [app, victim] = await Promise.all([
      openRequester(bench, 'com.example.Attacker'),
      openRequester(bench, 'com.example.Victim'),
    ]);
    const [own, other] = await Promise.all(
      [app, victim].map(async (one) => (await one.request('hello', {}, { timeoutMs: 5000 })).exchangeFolder),
    );
    assert.ok(own !== undefined && other !== undefined);
    const at = (name: string): string => join(own, name);
    await writeFile(join(other, 'secret.bin'), Buffer.from(Float32Array.of(42).buffer));
    await writeFile(at('good.bin'), Buffer.from(Float32Array.of(7).buffer));
    await symlink(join(other, 'secret.bin'), at('link.bin'));
    await link(join(other, 'secret.bin'), at('hard.bin'));
    await symlink('/dev/zero', at('device.bin'));
    await symlink(other, at('folder'));
    await run('mkfifo', [at('fifo.bin')]);
    await mkdir(at('inner'));
    await writeFile(at('short.bin'), 'abc');
    const cases: [name: string, reason: RegExp][] = [
      ['link.bin', /it is a symbolic link/],
      ['hard.bin', /it must have one hard link: current number is 2/],
      ['device.bin', /it is a symbolic link/],
      ['fifo.bin', /it is not a regular file/],
      ['inner', /it is not a regular file|it is a folder/],
      ['short.bin', /it must hold 4 bytes: current size is 3/],
      ['nowhere.bin', /there is no such file/],
      ['../secret.bin', /must have the form/],
      ['..', /must have the form/],
      ['folder/secret.bin', /must have the form/],
      [join(other, 'secret.bin'), /must have the form/],
    ];
    for (const [name, reason] of cases) {
      const file = { name, offset: 0, byteSize: 4 };
      const tensor = { name: 'x', datatype: 'FP32' as const, shape: [1] };
      const asInput = { inputs: [{ ...tensor, file }] };
      const inline = { inputs: [{ ...tensor, data: [1] }], outputFile: file };
      const capture = {
        modelName: 'Model',
        captureId: `c-${cases.length}`,
        inputTensors: [{ ...tensor, file }],
      };
      const options = { timeoutMs: 5000, topic: predictTopic('Model') };
      await refused(app.request('predict', asInput, options), reason, own);
      await refused(app.request('capture', capture, { timeoutMs: 5000 }), reason, own);
      if (reason.source.startsWith('must'))
        await refused(app.request('predict', inline, options), reason, own);
    }
    await Promise.all([app.close(), victim.close()]);
    await unharmed(bench);
    reportFaultRow({
      row: 'S3',
      cycles: cases.length * 2,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: 'tensor files',
    });
  });
});

async function refused(attempt: Promise<unknown>, reason: RegExp, secret: string): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof EdgeError && error.code === 'INVALID_ARGUMENT', String(error));
    assert.match(error.message, reason);
    return !error.message.includes(secret);
  });
}

async function openRequester(bench: AgentBench, component: string): Promise<Requester> {
  return await createRequester({
    transport: await bench.connect(component),
    component,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
}

/** Writes all and gives the lines that come back until the agent ends the connection, or answers the last line. */
async function talk(path: string, bytes: string): Promise<string[]> {
  const socket = connect(path);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  const wanted = bytes.split('\n').filter((line) => line !== '').length;
  const closed = once(socket, 'close');
  socket.write(Buffer.from(bytes, 'latin1'));
  await Promise.race([closed, until(() => text.split('\n').length > wanted, 'the agent answers')]);
  socket.destroy();
  return text.split('\n').filter((line) => line !== '');
}
