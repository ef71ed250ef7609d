import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { predict, quick, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

/** As a host does it. */
function compile({ key, compiledCacheFolder = '' }: LoadSpec): void {
  mkdirSync(compiledCacheFolder, { recursive: true });
  writeFileSync(join(compiledCacheFolder, 'graph.ort'), key);
}

describe('compiled graphs', () => {
  const root = (twins: AgentTwins): string => join(twins.folder, 'work', 'compiled');
  const folders = (twins: AgentTwins): string[] => (existsSync(root(twins)) ? readdirSync(root(twins)) : []);
  const digestOf = (twins: AgentTwins, version: string): string =>
    twins.dependencies.registry.state.models['Model']?.versions[version]?.digest ?? version;
  const compiling = {
    configuration: quick,
    script: (spec: LoadSpec) => ({
      load: () => {
        compile(spec);
        return {};
      },
    }),
  };

  it('lie in a folder for each package, which goes with the package and all that kills left in it', async () => {
    await using twins = await AgentTwins.create(compiling);
    const digests: string[] = [];
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      await twins.register(await twins.package(version));
      await times(6, () => predict(twins));
      const digest = digestOf(twins, version);
      writeFileSync(join(root(twins), digest, 'graph.ort.ab12.draft.ort'), 'half');
      digests.push(digest);
    }
    const [oldest, ...kept] = digests;
    await until(() => !folders(twins).some((name) => name === oldest), 'the oldest goes');
    assert.deepEqual(folders(twins).toSorted(), kept.toSorted());
  });

  it('of an older agent, which kept those of all packages in one folder, go when the agent starts', async () => {
    await using twins = await AgentTwins.create(compiling);
    await twins.register(await twins.package('1.0.0'));
    await twins.stop();
    for (const name of [
      `${'ab'.repeat(32)}-1.29.0-cpu.ort`,
      `${'ab'.repeat(32)}-1.29.0-cpu.ort.1f.draft.ort`,
    ])
      writeFileSync(join(root(twins), name), 'graph');
    await twins.start();
    await until(() => folders(twins).length === 1, 'the flat files go');
    assert.deepEqual(folders(twins), [digestOf(twins, '1.0.0')]);
  });
});
