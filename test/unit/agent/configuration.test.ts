import { strict as assert } from 'node:assert';
import { EdgeError, ManualClock, createLogger, type JsonObject } from '../../../src/core/mod.js';
import { FORMER_KEYS } from '../../../src/component/configuration/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import {
  ALIASES,
  openConfiguration,
  parseConfiguration,
  wantsSpareHost,
} from '../../../src/runtime/config/mod.js';

function refusalOf(raw: JsonObject): EdgeError {
  try {
    parseConfiguration(raw);
  } catch (thrown) {
    assert.ok(thrown instanceof EdgeError);
    return thrown;
  }
  throw new Error('The configuration was accepted');
}

describe('the agent configuration', () => {
  it('has a default for every key', () => {
    const { configuration, warning } = parseConfiguration(undefined);
    assert.equal(warning, undefined);
    assert.deepEqual(
      [configuration.isolation, configuration.capture.batchSize, configuration.capture.pushPeriodSeconds],
      ['model', 10, 4],
    );
    assert.deepEqual(
      [configuration.capture.embedLimit, configuration.probation.requests, configuration.signature.policy],
      [3072, 200, 'if-present'],
    );
  });

  it('wants a spare host where the machine has 2 GB, unless it says otherwise', () => {
    const wants = (raw: JsonObject, memoryBytes: number): boolean =>
      wantsSpareHost(parseConfiguration(raw).configuration, memoryBytes);
    assert.deepEqual([wants({}, 1.9e9), wants({}, 4e9)], [false, true]);
    assert.deepEqual([wants({ spareHost: true }, 1e9), wants({ spareHost: 'false' }, 4e9)], [true, false]);
  });

  it('reads values as both nuclei and former users write them', () => {
    const { configuration } = parseConfiguration({
      threadBudget: '2',
      memoryBudgetMb: 300.0,
      probation: { enabled: 'false', errorRate: '0.5' },
      capture: { policies: '[{"type":"percentage","percent":100}]', batchSize: '25' },
      accessControl: { 'aws.greengrass.ipc.pubsub': {} },
    });
    assert.deepEqual([configuration.threadBudget, configuration.memoryBudgetMb], [2, 300]);
    assert.deepEqual([configuration.probation.enabled, configuration.probation.errorRate], [false, 0.5]);
    assert.deepEqual(configuration.capture.policies, [{ type: 'percentage', percent: 100 }]);
    assert.equal(configuration.capture.batchSize, 25);
  });

  it('takes every former key that has a counterpart, and ours before it', () => {
    const { configuration, warning } = parseConfiguration({
      DeviceFleetName: 'cameras',
      CaptureDataBatchSize: '7',
      CaptureDataPushPeriodSeconds: '9',
      CaptureDataBase64EmbedLimit: '100',
      FolderPrefix: 'old',
      SagemakerEdgeLogVerbose: 'true',
      capture: { batchSize: 8 },
    });
    assert.deepEqual([configuration.fleet, configuration.capture.batchSize], ['cameras', 8]);
    assert.deepEqual([configuration.capture.pushPeriodSeconds, configuration.capture.embedLimit], [9, 100]);
    assert.deepEqual([configuration.capture.folderPrefix, configuration.logLevel], ['old', 'debug']);
    assert.equal(warning, undefined);
    for (const [key, { to }] of Object.entries(ALIASES)) {
      const value =
        to === 'logLevel' ? 'true' : to.startsWith('capture.') && to !== 'capture.folderPrefix' ? '12' : 'x';
      assert.doesNotThrow(() => parseConfiguration({ [key]: value }), key);
    }
  });

  it('names former keys without a counterpart in one warning', () => {
    const raw = Object.fromEntries(
      [...FORMER_KEYS, 'sagemaker_edge_core_region']
        .filter((key) => !Object.hasOwn(ALIASES, key))
        .map((key) => [key, 'x']),
    );
    const { warning } = parseConfiguration(raw);
    for (const key of Object.keys(raw)) assert.ok(warning?.includes(key), key);
  });

  it('refuses what is wrong, naming the key', () => {
    const cases: [JsonObject, string][] = [
      [{ isolaton: 'model' }, 'isolaton'],
      [{ isolation: 'both' }, 'isolation'],
      [{ threadBudget: 'two' }, 'threadBudget'],
      [{ probation: { errorRate: 2 } }, 'probation.errorRate'],
      [{ probation: { requests: 5, minimumRequests: 6 } }, 'probation.minimumRequests'],
      [{ capture: { policies: [{ type: 'sometimes' }] } }, 'capture.policies[0].type'],
      [
        { capture: { models: { Vad: { policies: [{ type: 'sometimes' }] } } } },
        'capture.models.Vad.policies[0].type',
      ],
      [{ models: [{ name: 'a' }, { name: 'a' }] }, 'models[1].name'],
    ];
    for (const [raw, field] of cases) {
      const error = refusalOf(raw);
      assert.deepEqual([error.code, error.field], ['INVALID_ARGUMENT', field], error.message);
    }
  });
});

describe('the configuration in force', () => {
  const make = async (files = memoryFiles()) => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const logger = createLogger(
      (line) => lines.push(line),
      () => clock.wallMs(),
    );
    const holder = await openConfiguration({
      file: '/agent/configuration.json',
      files,
      clock,
      logger,
    });
    return { holder, files, clock, lines };
  };

  it('stays the last good one after a refused change, also over a restart', async () => {
    const { holder, files, lines } = await make();
    assert.equal(await holder.offer({ fleet: 'one' }), true);
    assert.equal(await holder.offer({ fleet: 'two', queue: { limit: 0 } }), false);
    assert.equal(holder.current.fleet, 'one');
    assert.equal(holder.refusal?.field, 'queue.limit');
    assert.ok(lines.some((line) => line.includes('queue.limit')));
    assert.equal((await make(files)).holder.current.fleet, 'one');
  });

  it('is kept as it was given: an agent that the device goes back to refuses keys that it does not know', async () => {
    const { holder, files } = await make();
    await holder.offer({ fleet: 'one', queue: { limit: '7' }, accessControl: {}, logLevel: '' });
    const kept = new TextDecoder().decode(files.content.get('/agent/configuration.json'));
    assert.deepEqual(JSON.parse(kept), { fleet: 'one', queue: { limit: 7 } });
  });

  it('reads once after the last of many leaf changes, 500 ms later', async () => {
    const { holder, clock } = await make();
    let reads = 0;
    const read = async (): Promise<unknown> => {
      reads++;
      return { fleet: 'lite' };
    };
    for (let leaf = 0; leaf < 5; leaf++) {
      holder.touched(read);
      await clock.advance(400);
    }
    assert.equal(reads, 0);
    await clock.advance(100);
    assert.deepEqual([reads, holder.current.fleet], [1, 'lite']);
  });

  it('starts with defaults where the kept file is damaged, and keeps that file', async () => {
    const files = memoryFiles(
      new Map([['/agent/configuration.json', new TextEncoder().encode('{"fleet":')]]),
    );
    const { holder } = await make(files);
    assert.equal(holder.current.fleet, undefined);
    assert.ok(files.content.has('/agent/configuration.json.damaged'));
  });

  it('warns of former keys once, not at each change', async () => {
    const { holder, lines } = await make();
    await holder.offer({ BucketName: 'b', fleet: 'one' });
    await holder.offer({ BucketName: 'b', fleet: 'two' });
    assert.equal(lines.filter((line) => line.includes('BucketName')).length, 1);
  });
});
