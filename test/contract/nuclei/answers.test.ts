import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { makeLocalCredentials } from '../../../src/local/cloud/mod.js';
import type { ComponentStore, Profile } from '../../../src/local/nucleus/mod.js';
import { NucleusBench } from '../../lib/nucleus.js';
import { patientMs } from '../../lib/patience.js';

const DATA = join(import.meta.dirname, '../../../../test/data/nuclei');
const PROBE = join(import.meta.dirname, '../../lib/nuclei-probe/main.js');
/** Which real nucleus each profile stands for. */
const REAL: Readonly<Record<Profile, string>> = { nucleus: 'java.json', lite: 'lite.json' };

/** The token exchange was up when the real nuclei were asked. */
const NEEDS_THE_EXCHANGE = JSON.stringify({
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'kit.Needs',
  ComponentVersion: '1.0.0',
  ComponentDependencies: {
    'aws.greengrass.TokenExchangeService': { VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: 'HARD' },
  },
  Manifests: [{ Platform: { os: 'linux', runtime: '*' }, Lifecycle: { run: 'sleep 300' } }],
});

/** What a real nucleus of this kind answered to the same program. */
async function recorded(profile: Profile): Promise<Record<string, Json>> {
  return JSON.parse(await readFile(join(DATA, REAL[profile]), 'utf8')) as Record<string, Json>;
}

async function probeStore(batch: string): Promise<ComponentStore> {
  const recipe = (await readFile(join(DATA, 'probe-recipe.yaml'), 'utf8')).replace(
    'exec node PROBE',
    `exec node ${PROBE} ${batch}`,
  );
  return {
    versions: async () => ['1.0.0'],
    recipe: async (name) => (name === 'kit.Probe' ? recipe : NEEDS_THE_EXCHANGE),
    fetchArtifact: async () => undefined,
  };
}

async function askLocal(profile: Profile, batch: string): Promise<Record<string, Json>> {
  const isDown = batch === 'down';
  const { forDevice } = makeLocalCredentials(systemClock);
  await using bench = await NucleusBench.start(profile, {
    clock: systemClock,
    store: await probeStore(batch),
    credentials: isDown ? () => Promise.reject(new Error('{"message":"down"}')) : forDevice,
    ownEnvironment: { PROBE_OF_THE_NUCLEUS: 'passed' },
  });
  if (isDown) await bench.nucleus.setOnline(false);
  await bench.mustDeploy({ 'kit.Needs': '1.0.0' });
  await bench.mustDeploy({ 'kit.Needs': '1.0.0', 'kit.Probe': '1.0.0' });
  await bench.untilLog('kit.Probe', 'All questions are answered', patientMs(80_000));
  const path = join(bench.root, 'work', 'kit.Probe', 'answers.json');
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, Json>;
}

for (const profile of ['nucleus', 'lite'] as const) {
  describe(`the local nucleus, ${profile}, answers as ${REAL[profile]} has it`, () => {
    let real: Record<string, Json>;
    let local: Record<string, Json>;
    before(async () => {
      real = await recorded(profile);
      const batches = await Promise.all([askLocal(profile, 'all'), askLocal(profile, 'down')]);
      local = { ...batches[0], ...batches[1] };
    });

    it('to the same questions', () => {
      assert.deepEqual(Object.keys(local).sort(), Object.keys(real).sort());
    });

    it('with the same answers', () => {
      for (const [question, answer] of Object.entries(real)) {
        assert.deepEqual({ [question]: local[question] }, { [question]: answer });
      }
    });
  });
}
