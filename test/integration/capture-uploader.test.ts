import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSpool, parseRecords, spoolFolders, type CaptureSpool } from '../../src/capture/mod.js';
import { topics } from '../../src/contract/mod.js';
import { silentLogger, type JsonObject } from '../../src/core/mod.js';
import { nodeDisk } from '../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../src/ipc/mod.js';
import type { ExternalComponent } from '../../src/local/nucleus/mod.js';
import { ComponentProcess } from '../lib/component-process.js';
import { longRun } from '../lib/fault-table.js';
import { BOTH, NucleusBench } from '../lib/nucleus.js';
import { startTestS3, TEST_BUCKET, TEST_CREDENTIALS, type TestS3 } from '../lib/s3.js';
import { putClosedSegment, TEST_LAYOUT, testRecord } from '../lib/spool-fixture.js';
import { until } from '../lib/until.js';
import { shippedScript } from '../lib/shipped.js';
import { isWithin } from '../lib/patience.js';

const NAME = 'org.edgemanager.CaptureUploader';

const ACCESS: JsonObject = {
  'aws.greengrass.ipc.pubsub': {
    hear: { operations: ['aws.greengrass#SubscribeToTopic'], resources: [topics.spoolClosed] },
    tell: { operations: ['aws.greengrass#PublishToTopic'], resources: [topics.spoolResult] },
  },
};
const AGENT_ACCESS: JsonObject = {
  'aws.greengrass.ipc.pubsub': {
    all: { operations: ['*'], resources: [topics.spoolClosed, topics.spoolResult] },
  },
};

/** The component as it is shipped: the launcher, or only the process below it. */
async function start(
  environment: Readonly<Record<string, string | undefined>>,
  workFolder: string,
  entry: 'main' | 'upload' = 'main',
): Promise<ComponentProcess> {
  return new ComponentProcess(await shippedScript(NAME, entry), environment, workFolder);
}

describe('capture uploader as a process', () => {
  for (const profile of BOTH) {
    describe(profile, () => {
      let s3: TestS3;
      let bench: NucleusBench;
      let uploader: ExternalComponent;
      let agent: GreengrassPort;
      let spool: CaptureSpool;
      let workFolder: string;
      let spoolRoot: string;
      /** Those that the store knows, and that the token exchange gives. */
      let keys: Record<keyof typeof TEST_CREDENTIALS, string>;

      beforeEach(async () => {
        keys = TEST_CREDENTIALS;
        s3 = await startTestS3({ credentials: (id) => (id === keys.accessKeyId ? keys : undefined) });
        const expiration = new Date(Date.now() + 3_600_000);
        bench = await NucleusBench.start(profile, {
          credentials: async () => ({ ...keys, expiration }),
        });
        uploader = bench.nucleus.registerExternal(NAME, {
          accessControl: ACCESS,
          BucketName: TEST_BUCKET,
          endpoint: s3.s3.endpoint,
          startSpreadSeconds: '0',
          scanPeriodSeconds: 1,
        });
        const agentComponent = bench.nucleus.registerExternal('org.edgemanager.AgentRuntime', {
          accessControl: AGENT_ACCESS,
        });
        const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
        agent = await connectGreengrass({
          ...common,
          environment: { ...agentComponent.environment },
          component: 'org.edgemanager.AgentRuntime',
        });
        workFolder = join(bench.root, 'work', NAME);
        await mkdir(workFolder, { recursive: true });
        spoolRoot = join(bench.root, 'work', 'org.edgemanager.AgentRuntime', 'spool');
        spool = await openSpool({
          root: spoolRoot,
          layout: TEST_LAYOUT,
          disk: nodeDisk,
          clock: systemClock,
          random: systemRandom,
          log: silentLogger,
          boot: { bootId: 'boot-1', monotonicMs: () => systemClock.monotonicMs() },
          pushPeriodMs: 200,
        });
        spool.onClosed((segment) => {
          void agent
            .publish(topics.spoolClosed, Buffer.from(JSON.stringify({ v: 1, segment })))
            .catch(() => undefined);
        });
        await agent.subscribe(topics.spoolResult, () => void spool.reconcile());
      });

      afterEach(async () => {
        await spool.close();
        await agent.close();
        await bench[Symbol.asyncDispose]();
        await s3[Symbol.asyncDispose]();
      });

      async function deliveredIds(): Promise<string[]> {
        const ids: string[] = [];
        for (const { key } of s3.s3.objects(TEST_BUCKET)) {
          if (!key.endsWith('.jsonl')) continue;
          const records = parseRecords(await readFile(s3.s3.path(TEST_BUCKET, key)));
          ids.push(...records.map((record) => record.captureId));
        }
        return ids.sort();
      }

      async function capture(from: number, count: number): Promise<string[]> {
        const numbers = Array.from({ length: count }, (_, index) => from + index);
        const large = (number: number) => ({
          inputs: [
            {
              name: 'input',
              datatype: 'UINT8' as const,
              shape: [5000],
              data: new Uint8Array(5000).fill(number),
            },
          ],
        });
        for (const number of numbers) {
          const record = testRecord(number, number % 5 === 0 ? large(number) : {});
          assert.equal((await spool.append(record)).outcome, 'spooled');
        }
        return numbers.map((number) => `capture-${number}`).sort();
      }

      it('delivers what the spool acknowledged, tells the agent, and ends by SIGTERM with code 0', async () => {
        await using running = await start(uploader.environment, workFolder);
        const ids = await capture(0, 35);
        await until(
          () => ids.every((id) => spool.status(id).state === 'UPLOADED'),
          'all are uploaded',
          15_000,
        );
        assert.deepEqual(await deliveredIds(), ids);
        assert.deepEqual(await readdir(spoolFolders(spoolRoot).closed), []);
        const begun = systemClock.monotonicMs();
        assert.equal(await running.stop('SIGTERM'), 0);
        assert.ok(isWithin(systemClock.monotonicMs() - begun, 5000));
        assert.ok(!running.output.includes(TEST_CREDENTIALS.secretAccessKey));
        assert.ok(!running.output.includes(TEST_CREDENTIALS.sessionToken));
      });

      it('delivers each record once through SIGKILLs and lost answers', async () => {
        let puts = 0;
        s3.s3.setFaults(({ method }) =>
          method === 'PUT' && puts++ % 2 === 0 ? { kind: 'store-then-drop' } : undefined,
        );
        const all: string[] = [];
        for (let round = 0; round < 3; round++) {
          await using running = await start(uploader.environment, workFolder, 'upload');
          all.push(...(await capture(round * 20, 20)));
          const before = s3.s3.log.length;
          await until(() => s3.s3.log.length > before + 1, 'the uploader has begun', 15_000);
          await running.stop('SIGKILL');
        }
        s3.s3.setFaults(undefined);
        await using running = await start(uploader.environment, workFolder);
        await until(
          () => all.every((id) => spool.status(id).state === 'UPLOADED'),
          'all are uploaded',
          30_000,
        );
        assert.deepEqual(await deliveredIds(), [...all].sort());
        assert.equal(await running.stop('SIGTERM'), 0);
      });

      it('starts its process again after a kill and after a hang, with no error of the component', async () => {
        await using running = await start(uploader.environment, workFolder);
        const all: string[] = [];
        // A hang is found by the launcher alone, whatever the nucleus, after ten seconds.
        const hangs = profile === 'nucleus' || longRun();
        for (const signal of ['SIGKILL', ...(hangs ? (['SIGSTOP'] as const) : [])] as const) {
          const former = await running.childPid();
          process.kill(former, signal);
          const ids = await capture(all.length, 5);
          all.push(...ids);
          await until(
            () => ids.every((id) => spool.status(id).state === 'UPLOADED'),
            'all are uploaded',
            40_000,
          );
          assert.notEqual(await running.childPid(), former);
        }
        assert.match(running.output, /"Upload process ended: starting it again"/);
        if (hangs) assert.match(running.output, /"Upload process hangs: ending it"/);
        assert.deepEqual(await deliveredIds(), all.sort());
        assert.equal(await running.stop('SIGTERM'), 0);
      });

      it('ends its process with the launcher, however that ended', async () => {
        await using running = await start(uploader.environment, workFolder);
        const worker = await running.childPid();
        await running.stop('SIGKILL');
        await until(() => !existsSync(`/proc/${worker}`), 'the process has ended', 10_000);
      });

      it('asks the token exchange again after each of its deaths, at the new port, with the same process', async () => {
        await using running = await start(uploader.environment, workFolder);
        await running.said('Uploading captures');
        const worker = await running.childPid();
        for (let death = 0; death < 3; death++) {
          await bench.nucleus.restartTokenExchange();
          keys = { ...keys, accessKeyId: `AKIADEATH${death}` };
          const ids = await capture(death * 100, 5);
          await until(
            () => ids.every((id) => spool.status(id).state === 'UPLOADED'),
            'captures are uploaded after it',
            25_000,
          );
        }
        assert.equal(await running.childPid(), worker);
        assert.ok(running.isRunning);
      });

      it('goes on with the same connection settings when the nucleus restarts its socket, and lite has forgotten its SVCUID', async () => {
        await using running = await start(uploader.environment, workFolder);
        const first = await capture(0, 5);
        await until(
          () => first.every((id) => spool.status(id).state === 'UPLOADED'),
          'the first are uploaded',
          15_000,
        );
        await bench.nucleus.restartIpc();
        const second = await capture(100, 5);
        await until(async () => (await deliveredIds()).length === 10, 'the second are delivered', 25_000);
        assert.deepEqual(await deliveredIds(), [...first, ...second].sort());
        assert.equal(await running.stop('SIGTERM'), 0);
      });
    });
  }

  describe('start that cannot succeed', () => {
    it('ends with one clear line and code 1 where no socket is named', async () => {
      await using bench = await NucleusBench.start('nucleus');
      await using running = await start({}, bench.root);
      assert.equal(await running.ended(), 1);
      const lines = running.output.trim().split('\n');
      assert.equal(lines.length, 1);
      assert.match(
        running.output,
        /Cannot start the capture uploader as AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT is not set/,
      );
    });

    it('ends with one clear line and code 1 where the nucleus refuses its SVCUID', async () => {
      await using bench = await NucleusBench.start('nucleus');
      const { environment } = bench.nucleus.registerExternal(NAME, {});
      await using running = await start({ ...environment, SVCUID: 'wrong' }, bench.root);
      assert.equal(await running.ended(), 1);
      assert.match(running.output, /SVCUID may be wrong|refused this SVCUID/);
    });
  });

  it('waits for a valid configuration instead of ending, and writes files for destination Disk', async () => {
    await using bench = await NucleusBench.start('nucleus');
    const { environment } = bench.nucleus.registerExternal(NAME, { accessControl: ACCESS });
    const workFolder = join(bench.root, 'work', NAME);
    await mkdir(workFolder, { recursive: true });
    const root = join(bench.root, 'work', 'org.edgemanager.AgentRuntime', 'spool');
    await putClosedSegment(nodeDisk, root, [testRecord(1), testRecord(2)]);
    const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
    await using port = await connectGreengrass({ ...common, environment });
    await using running = await start(environment, workFolder);
    await until(() => running.output.includes("'bucket' is missing"), 'the refusal is told', 15_000);
    await port.updateConfiguration([], { destination: 'Disk' });
    const done = spoolFolders(root).done;
    await until(
      async () => (await readdir(done)).some((name) => name.endsWith('.receipt')),
      'the receipt',
      15_000,
    );
    const written = await readdir(join(workFolder, 'capture'), { recursive: true });
    const object = written.find((name) => name.endsWith('.jsonl'));
    const records = parseRecords(await readFile(join(workFolder, 'capture', object ?? '')));
    assert.deepEqual(
      records.map((record) => record.captureId),
      ['capture-1', 'capture-2'],
    );
    assert.equal(await running.stop('SIGTERM'), 0);
  });
});
