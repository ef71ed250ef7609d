import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { predict, quick, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

/** As a host does it: a graph named for the bytes of the model, which the script reads from its key. */
function compile({ key, compiledCacheFolder = '' }: LoadSpec, modelDigest: string): void {
  mkdirSync(compiledCacheFolder, { recursive: true });
  writeFileSync(join(compiledCacheFolder, `${modelDigest}-1.30.0-cpu.ort`), key);
}

describe('compiled graphs', () => {
  const digestOf = (key: string): string => Buffer.from(key).toString('hex').padEnd(64, '0');
  const graphs = (twins: AgentTwins): string[] => {
    const folder = join(twins.folder, 'work', 'compiled');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  };
  const compiling = {
    configuration: quick,
    script: (spec: LoadSpec) => ({
      load: () => {
        compile(spec, digestOf(spec.key));
        return { modelDigest: digestOf(spec.key) };
      },
    }),
  };

  it('of versions that nothing would go back to leave the disk, and what kills left of them', async () => {
    await using twins = await AgentTwins.create(compiling);
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      await twins.register(await twins.package(version));
      await times(6, () => predict(twins));
      const draft = `${digestOf(`Model@${version}`)}-1.30.0-cpu.ort.ab12.draft.ort`;
      writeFileSync(join(twins.folder, 'work', 'compiled', draft), 'half');
    }
    await until(() => twins.hosts.loaded.length === 1, 'the versions before are unloaded');
    const of = (version: string): string => digestOf(`Model@${version}`);
    await until(() => !graphs(twins).some((name) => name.startsWith(of('1.0.0'))), 'the oldest goes');
    for (const version of ['2.0.0', '3.0.0'])
      assert.ok(
        graphs(twins).some((name) => name.startsWith(of(version))),
        graphs(twins).join(),
      );
  });

  it('of an older agent, which told no digests, stay until the device has learnt them', async () => {
    await using twins = await AgentTwins.create(compiling);
    await twins.register(await twins.package('1.0.0'));
    const file = join(twins.folder, 'work', 'compiled', `${'ab'.repeat(32)}-1.29.0-cpu.ort`);
    await twins.dependencies.registry.update((state) => ({
      ...state,
      models: Object.fromEntries(
        Object.entries(state.models).map(([name, model]) => [
          name,
          {
            ...model,
            versions: Object.fromEntries(
              Object.entries(model.versions).map(([version, { modelDigest: _unknown, ...record }]) => [
                version,
                record,
              ]),
            ),
          },
        ]),
      ),
    }));
    await twins.stop();
    writeFileSync(file, 'graph');
    await twins.start();
    assert.ok(existsSync(file));
    await twins.agent.manager.settled();
    await until(
      () => twins.dependencies.registry.state.models['Model']?.versions['1.0.0']?.modelDigest !== undefined,
      'the digest is learnt',
    );
    await twins.stop();
    await twins.start();
    assert.ok(!existsSync(file));
  });
});
