import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { BOTH, NucleusBench } from '../lib/nucleus.js';
import { until } from '../lib/until.js';

const NAME = 'com.example.Third';
const FOLDER = new URL('../lib/third-component/', import.meta.url);
const MAIN = fileURLToPath(new URL('main.js', FOLDER));

async function lineCount(file: string): Promise<number> {
  const source = new URL(file, new URL('../../../test/lib/third-component/', import.meta.url));
  return (await readFile(source, 'utf8')).trimEnd().split('\n').length;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

const count = (log: string, text: string): number => log.split(text).length - 1;

describe('a third component, of the room that agent and uploader share', () => {
  it('needs fewer than 40 lines', async () => {
    assert.ok((await lineCount('main.ts')) + (await lineCount('work.ts')) < 40);
  });

  for (const profile of BOTH) {
    it(`starts, follows its configuration, is started again and stops, on ${profile}`, async () => {
      // Its time to stop is that of the real nuclei, not a quarter of it.
      await using bench = await NucleusBench.start(profile, { clock: systemClock });
      bench.store.add(NAME, '1.0.0', {
        lifecycle: { run: `exec "${process.execPath}" "${MAIN}"` },
        configuration: { greeting: 'hello' },
      });
      const merge = async (change: JsonObject): Promise<void> =>
        await bench.mustDeploy({
          [NAME]: { componentVersion: '1.0.0', configurationUpdate: { merge: change } },
        });

      await bench.mustDeploy({ [NAME]: '1.0.0' });
      await bench.untilLog(NAME, 'It says hello');
      const first = bench.pidOf(NAME);

      await merge({ greeting: 'good day' });
      await bench.untilLog(NAME, 'It says good day');
      // Lite starts a component anew where its configuration was deployed; the Java nucleus tells it.
      if (profile === 'nucleus') assert.equal(bench.pidOf(NAME), first, 'a change restarts nothing');

      // The Java nucleus asks the component first; lite tells it when it is too late.
      const refusing = await bench.deploy({
        [NAME]: { componentVersion: '1.0.0', configurationUpdate: { merge: { volume: 'loud' } } },
      });
      if (profile === 'nucleus') {
        assert.equal(refusing.status, 'FAILED');
        assert.match(refusing.reason ?? '', /'volume' is not a known key/);
      } else {
        assert.equal(refusing.status, 'SUCCEEDED');
        assert.match(await bench.untilLog(NAME, 'Configuration refused'), /"field":"volume"/);
      }

      const launcher = bench.pidOf(NAME) ?? 0;
      await until(async () => (await childrenOf(launcher)).length === 1, 'the worker is there');
      const [worker] = await childrenOf(launcher);
      const before = await bench.log(NAME);
      process.kill(worker ?? 0, 'SIGKILL');
      await bench.untilLog(NAME, 'Third process ended: starting it again');
      const kept = profile === 'nucleus' ? 'It says good day' : 'The last good configuration is in force';
      await until(
        async () => count(await bench.log(NAME), kept) > count(before, kept),
        'it goes on as before',
      );
      assert.equal(count(await bench.log(NAME), 'It says good day'), count(before, 'It says good day') + 1);
      assert.deepEqual([bench.stateOf(NAME), bench.pidOf(NAME)], ['RUNNING', launcher]);

      // The worker's last words: who is killed for taking too long has none.
      const stops = count(await bench.log(NAME), '"Stopped"');
      await bench.mustDeploy({});
      await until(async () => count(await bench.log(NAME), '"Stopped"') > stops, 'it has stopped by itself');
      assert.ok(!bench.pathOf(NAME).includes('ERRORED'));
      assert.ok(!bench.pathOf(NAME).includes('BROKEN'));
    });
  }
});
