import assert from 'node:assert/strict';
import { HeldConfiguration, followConfiguration } from '../../../src/component/configuration/mod.js';
import { EdgeError, silentLogger, type Logger } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import { parseUploadConfig } from '../../../src/upload/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { NucleusBench } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const NAME = 'org.edgemanager.CaptureUploader';
const RUNS = { run: 'exec sleep 1000' };

describe('an invalid configuration', () => {
  it('fails its deployment on the Java nucleus, with the key and the reason, and changes nothing', async () => {
    await using bench = await NucleusBench.start('nucleus');
    await using component = await deployed(bench);
    const { refused, followed } = component;
    const result = await bench.deploy({
      [NAME]: { componentVersion: '1.0.0', configurationUpdate: { merge: { maxConcurrency: 1000 } } },
    });
    assert.equal(result.detailedStatus, 'FAILED_NO_STATE_CHANGE');
    assert.match(result.reason, /maxConcurrency/);
    assert.match(result.reason, /1000/);
    assert.equal(bench.configurationOf(NAME)?.['maxConcurrency'], undefined);
    const good = await bench.deploy({
      [NAME]: { componentVersion: '1.0.0', configurationUpdate: { merge: { maxConcurrency: 3 } } },
    });
    assert.equal(good.status, 'SUCCEEDED', good.reason);
    await until(() => followed.current?.maxConcurrency === 3, 'the good one is in force');
    assert.deepEqual(refused, []);
  });

  it('is refused and told by the component itself on nucleus lite, which does not ask', async () => {
    await using bench = await NucleusBench.start('lite');
    await using component = await deployed(bench);
    const { refused, followed } = component;
    const result = await bench.deploy({
      [NAME]: { componentVersion: '1.0.0', configurationUpdate: { merge: { maxConcurrency: 1000 } } },
    });
    assert.equal(result.status, 'SUCCEEDED');
    await until(() => refused.length > 0, 'it is told');
    assert.match(refused.join('\n'), /maxConcurrency/);
    assert.ok(followed.refusal instanceof EdgeError);
  });
});

type Held = HeldConfiguration<ReturnType<typeof parseUploadConfig>['configuration'], undefined>;

interface Component extends AsyncDisposable {
  /** Its error lines' fields. */
  readonly refused: readonly string[];
  readonly followed: Held;
}

/** A component that follows its configuration as the uploader does, in this process. */
async function deployed(bench: NucleusBench): Promise<Component> {
  bench.store.add(NAME, '1.0.0', {
    lifecycle: RUNS,
    configuration: { bucket: 'captures', region: 'eu-west-1' },
  });
  await bench.mustDeploy({ [NAME]: '1.0.0' });
  const { environment } = bench.nucleus.registerExternal(NAME, bench.configurationOf(NAME) ?? {});
  const refused: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (_message, fields) => refused.push(JSON.stringify(fields)),
  };
  const greengrass = await connectGreengrass({
    clock: systemClock,
    random: systemRandom,
    logger,
    environment: { ...environment },
    component: NAME,
  });
  const held: Held = new HeldConfiguration({
    file: '/work/configuration.json',
    files: memoryFiles(),
    clock: systemClock,
    logger,
    initial: undefined,
    parse: parseUploadConfig,
  });
  await followConfiguration(held, greengrass);
  return {
    refused,
    followed: held,
    [Symbol.asyncDispose]: async () => {
      await held.close();
      await greengrass.close();
    },
  };
}
