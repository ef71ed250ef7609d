import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../../src/core/mod.js';
import type { RegistryState } from '../../../src/runtime/registry/mod.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const MIB = 2 ** 20;

/** Twins with one model, which took 100 MB when it was admitted. */
async function serving(configuration: JsonObject = {}) {
  const memory = { bytes: 100 * MIB };
  const twins = await AgentTwins.create({
    configuration,
    script: () => ({ memoryBytes: () => memory.bytes }),
  });
  await twins.register(await twins.package('1.0.0'));
  return { twins, memory };
}

const registryOf = (twins: AgentTwins): string => join(twins.folder, 'work', 'registry.json');

describe('a model host without a configured limit', () => {
  it('may take four times of what its model took at admission, and costs its caller the run beyond', async () => {
    const { twins, memory } = await serving();
    await using _twins = twins;
    memory.bytes = 399 * MIB;
    assert.equal((await predict(twins)).version, '1.0.0');
    memory.bytes = 401 * MIB;
    await assert.rejects(predict(twins), { reason: 'MEMORY_LIMIT' });
    memory.bytes = 100 * MIB;
    assert.equal((await predict(twins)).version, '1.0.0');
    assert.equal(
      twins.dependencies.registry.state.models['Model']?.versions['1.0.0']?.quarantined,
      undefined,
    );
  });

  it('keeps its limit over a restart of the agent', async () => {
    const { twins, memory } = await serving();
    await using _twins = twins;
    await twins.stop();
    await twins.start();
    memory.bytes = 401 * MIB;
    await assert.rejects(predict(twins), { reason: 'MEMORY_LIMIT' });
  });

  it('has none where the configuration says so', async () => {
    const { twins, memory } = await serving({ maxHostMb: 0 });
    await using _twins = twins;
    memory.bytes = 1900 * MIB;
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('serves on beyond what it took first where an earlier agent admitted it, flagged, until its next version', async () => {
    const { twins, memory } = await serving();
    await using _twins = twins;
    await twins.stop();
    const state = JSON.parse(await readFile(registryOf(twins), 'utf8')) as RegistryState;
    delete state.models['Model']?.versions['1.0.0']?.hostLimitMb;
    await writeFile(registryOf(twins), JSON.stringify(state));
    await twins.start();
    const flagged = () =>
      twins.agent.heartbeat.collect().models.find(({ unadmitted }) => unadmitted === true);
    await predict(twins);
    // It is measured within five seconds of what it was asked, first as it was loaded.
    await until(() => twins.agent.held.limits > 0, 'it was measured', 20_000);
    assert.equal(flagged(), undefined);
    memory.bytes = 500 * MIB;
    await predict(twins);
    await until(() => flagged() !== undefined, 'the heartbeat flags it', 20_000);
    assert.match(flagged()?.reason ?? '', /takes 500 MB.*ended at 400 MB/);
    assert.equal((await predict(twins)).version, '1.0.0');
    memory.bytes = 100 * MIB;
    await twins.register(await twins.package('2.0.0'));
    memory.bytes = 500 * MIB;
    await assert.rejects(predict(twins), { reason: 'MEMORY_LIMIT' });
  });
});
