import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countTry, QUARANTINE_TRIES, type RegistryState } from '../../../src/runtime/registry/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';

describe('an agent that was killed between a quarantine and the way back', () => {
  it('starts with the version before, so that the model answers', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await twins.stop();
    const file = join(twins.folder, 'work', 'registry.json');
    let state = JSON.parse(await readFile(file, 'utf8')) as RegistryState;
    for (let death = 0; death < QUARANTINE_TRIES; death++)
      state = countTry(state, 'Model', '2.0.0', 'Model host ended with signal SIGSEGV');
    await writeFile(file, JSON.stringify(state));

    await twins.start();
    assert.equal((await predict(twins)).version, '1.0.0');
    assert.equal((await describeModel(twins, '2.0.0')).state, 'QUARANTINED');
  });
});
