import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startStage, type Stage } from '../../examples/stage/stage.js';
import type { PackagedModel } from '../../examples/stage/models.js';
import { silence, startStageApp } from '../lib/stage-app.js';

const COMPONENT = 'org.edgemanager.model.SileroVad';

/** What is done to a good, signed package after it was made. */
const DAMAGE: readonly [string, (folder: string) => Promise<void>][] = [
  ['a changed byte in the model', (folder) => flip(join(folder, 'model.onnx'))],
  ['a changed byte in the samples', (folder) => flip(join(folder, 'samples.json'))],
  ['a changed byte in the signature', (folder) => flip(join(folder, 'model.sig'))],
  [
    'an unknown manifest key',
    async (folder) => {
      const file = join(folder, 'manifest.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      await writeFile(file, JSON.stringify({ ...manifest, surprise: 1 }));
    },
  ],
];

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function answeringVersion(stage: Stage): Promise<string> {
  const app = await startStageApp(stage);
  try {
    return (await app.client.predict('SileroVad', silence(), { timeoutMs: 30_000 })).version;
  } finally {
    await app.close();
  }
}

function artifactsOf(model: PackagedModel): string {
  return join(model.path, 'greengrass-build', 'artifacts', model.componentName, model.version);
}

for (const profile of ['nucleus', 'lite'] as const) {
  describe(`a bad package on ${profile}`, () => {
    let stage: Stage;

    before(async () => {
      stage = await startStage({ profile });
      const good = await stage.addModel('silero-vad-5');
      const result = await stage.deploy({ [COMPONENT]: { componentVersion: good.version } });
      assert.equal(result.status, 'SUCCEEDED', result.reason);
    });
    after(async () => {
      await stage.close();
    });

    // One kind on lite: what refuses is the same agent; what differs is the nucleus's verdict.
    for (const [index, [what, damage]] of (profile === 'lite' ? DAMAGE.slice(0, 1) : DAMAGE).entries()) {
      it(`with ${what} fails its deployment, and 5.0.0 still answers`, async () => {
        const bad = await stage.addModel('silero-vad-6', { version: `6.0.${index}` });
        await damage(artifactsOf(bad));
        const result = await stage.deploy({ [COMPONENT]: { componentVersion: bad.version } });
        assert.equal(result.status, 'FAILED');
        assert.equal(
          result.detailedStatus,
          profile === 'nucleus' ? 'FAILED_ROLLBACK_COMPLETE' : 'FAILED_ROLLBACK_NOT_REQUESTED',
        );
        assert.equal(await answeringVersion(stage), '5.0.0');
        const log = await readFile(join(stage.nucleus.rootPath, 'logs', `${COMPONENT}.log`), 'utf8');
        assert.match(log, /REFUSED/);
        await rm(bad.path, { recursive: true });
      });
    }
  });
}
