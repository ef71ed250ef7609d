import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError, toEdgeError } from '../../../src/core/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { straceAbsence } from '../../lib/strace.js';
import { until } from '../../lib/until.js';

const FAULTS = ['DISK_FAILED', 'FILE_DENIED'] as const;

describe('a disk that fails is no evidence against a model', () => {
  for (const reason of FAULTS) {
    it(`keeps a version whose package cannot be read for ${reason}, and serves it when the disk is back`, async () => {
      let failing = false;
      let failures = 0;
      await using twins = await AgentTwins.create({
        script: ({ key }) => ({
          load: () => {
            if (!failing || key !== 'Model@2.0.0') return {};
            failures++;
            throw new EdgeError(reason, 'Cannot read model.onnx of the package: EIO: i/o error, read');
          },
        }),
      });
      await twins.register(await twins.package('1.0.0'));
      await twins.register(await twins.package('2.0.0'));
      failing = true;
      twins.hosts.crash('Model@2.0.0');
      await until(() => failures >= 2, 'it is tried again', 20_000);
      failing = false;
      assert.equal((await predict(twins)).version, '2.0.0');
      assert.equal((await describeModel(twins, '2.0.0')).state, 'PROBATION');
    });

    it(`holds nothing against a package that cannot be judged for ${reason}`, async () => {
      let failing = true;
      await using twins = await AgentTwins.create({
        script: () => ({
          load: () => {
            if (failing) throw new EdgeError(reason, 'Cannot open model.onnx of the package: EIO');
            return {};
          },
        }),
      });
      const folder = await twins.package('1.0.0');
      for (let time = 0; time < 3; time++) {
        const error = await twins.register(folder).catch(toEdgeError);
        assert.ok(error instanceof EdgeError);
        assert.equal(error.reason, reason);
      }
      failing = false;
      assert.equal((await twins.register(folder)).verdict, 'ADMITTED');
    });
  }

  it('tells EIO of a real read from a package that is wrong', async function () {
    const absence = straceAbsence();
    if (absence !== undefined) return this.skip();
    const folder = await mkdtemp(join(tmpdir(), 'edge-eio-'));
    try {
      const file = join(folder, 'model.onnx');
      await writeFile(file, 'bytes of a model');
      const module = new URL('../../../src/model/mod.js', import.meta.url).href;
      const script = `
        const { readOnce } = await import(${JSON.stringify(module)});
        const options = { keep: true, maxBytes: 100 };
        await readOnce(${JSON.stringify(file)}, 'model.onnx', options).catch((error) => console.log(error.reason));`;
      const { stdout } = spawnSync(
        'strace',
        [
          '-f',
          '-o',
          join(folder, 'trace'),
          '-P',
          file,
          '-e',
          'inject=pread64,read:error=EIO',
          process.execPath,
          '--input-type=module',
          '-e',
          script,
        ],
        { encoding: 'utf8' },
      );
      assert.equal(stdout.trim(), 'DISK_FAILED');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
