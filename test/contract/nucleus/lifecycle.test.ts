import assert from 'node:assert/strict';
import type { Profile } from '../../../src/local/nucleus/mod.js';
import { BOTH, NucleusBench } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const NAME = 'com.example.A';

/** What a deployment tells of a component that failed: the Java nucleus says why on the device only. */
function toldOn(profile: Profile, why: RegExp): RegExp {
  return profile === 'nucleus' ? /^Service com\.example\.A in broken state after deployment$/ : why;
}

for (const profile of BOTH) {
  describe(`lifecycle on ${profile}`, () => {
    it('counts a run step as RUNNING as soon as it starts: the deployment succeeds, whatever comes', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { run: 'exit 1' } });
      const result = await bench.deploy({ [NAME]: '1.0.0' });
      assert.equal(result.status, 'SUCCEEDED', result.reason);
      await bench.untilState(NAME, 'BROKEN');
    });

    it('takes the result of a startup step from its exit code', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { startup: 'exit 7' } });
      const result = await bench.deploy({ [NAME]: '1.0.0' });
      assert.equal(result.status, 'FAILED');
      assert.match(
        result.reason,
        toldOn(profile, /com\.example\.A 1\.0\.0 is broken as its startup script exited with code 7/),
      );
    });

    it('tries a failing startup three times', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { startup: 'echo try; exit 1' } });
      await bench.deploy({ [NAME]: '1.0.0' }, { failureHandlingPolicy: 'DO_NOTHING' });
      assert.equal((await bench.log(NAME)).split('try').length - 1, 3);
      assert.equal(bench.stateOf(NAME), 'BROKEN');
      assert.deepEqual(
        bench.pathOf(NAME).filter((state) => state === 'ERRORED' || state === 'BROKEN'),
        ['ERRORED', 'ERRORED', 'BROKEN'],
      );
    });

    it('gates a deployment on both nuclei by the one form that does', async () => {
      await using bench = await NucleusBench.start(profile);
      const gate = (verdict: string): string => `${verdict} || exit 1\ntrap 'exit 0' EXIT\n`;
      bench.store.add(NAME, '1.0.0', { lifecycle: { startup: gate('true') } });
      bench.store.add(NAME, '2.0.0', { lifecycle: { startup: gate('false') } });
      assert.equal((await bench.deploy({ [NAME]: '1.0.0' })).status, 'SUCCEEDED');
      assert.equal(bench.stateOf(NAME), 'RUNNING');
      assert.equal((await bench.deploy({ [NAME]: '2.0.0' })).status, 'FAILED');
    });

    it('ends what a component has started, grandchildren too, by SIGTERM to its group', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', {
        lifecycle: { run: "trap 'echo terminated; exit 0' TERM; sleep 300 & echo child $!; wait" },
      });
      await bench.deploy({ [NAME]: '1.0.0' });
      const log = await bench.untilLog(NAME, /child \d+/);
      const child = Number(/child (\d+)/.exec(log)?.[1]);
      assert.equal((await bench.deploy({})).status, 'SUCCEEDED');
      assert.match(await bench.log(NAME), /terminated/);
      await until(() => !isRunning(child), 'the grandchild is gone');
      assert.deepEqual(bench.nucleus.components(), []);
    });

    it('installs before it runs, in the work folder, with a log of its own', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', {
        lifecycle: { install: 'echo installed in $PWD', run: 'echo running; echo oops >&2; exec sleep 300' },
      });
      await bench.deploy({ [NAME]: '1.0.0' });
      const log = await bench.untilLog(NAME, 'oops');
      assert.equal(log, `installed in ${bench.root}/work/${NAME}\nrunning\noops\n`);
    });

    it('tries a failing install three times, then fails the deployment', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { install: 'echo try; exit 3', run: 'exec sleep 300' } });
      const result = await bench.deploy({ [NAME]: '1.0.0' });
      assert.equal(result.status, 'FAILED');
      assert.match(result.reason, toldOn(profile, /install script exited with code 3/));
      assert.equal((await bench.log(NAME)).split('try').length - 1, 3);
    });

    it('is FINISHED when run ends with 0', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { run: 'echo done' } });
      assert.equal((await bench.deploy({ [NAME]: '1.0.0' })).status, 'SUCCEEDED');
      await bench.untilState(NAME, 'FINISHED');
    });

    it('gives up on a step that takes longer than its Timeout', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(NAME, '1.0.0', { lifecycle: { startup: { Script: 'sleep 300', Timeout: 1 } } });
      const result = await bench.deploy({ [NAME]: '1.0.0' }, { failureHandlingPolicy: 'DO_NOTHING' });
      assert.match(result.reason, toldOn(profile, /startup script did not end in time/));
    });
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
