import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../../src/core/mod.js';
import { nodeFiles } from '../../../src/disk/mod.js';
import { countTry, QUARANTINE_TRIES, type RegistryState } from '../../../src/runtime/registry/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';

describe('an agent that was killed between a quarantine and the way back', () => {
  it('starts with the version before, so that the model answers', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await twins.stop();
    await quarantine(twins);
    await twins.start();
    assert.equal((await predict(twins)).version, '1.0.0');
    assert.equal((await describeModel(twins, '2.0.0')).state, 'QUARANTINED');
  });

  it('serves its other models where the disk has no room for the way back', async () => {
    let full = false;
    const files = {
      ...nodeFiles,
      write: async (path: string, data: Uint8Array, mode?: number): Promise<void> => {
        if (full) throw new EdgeError('DISK_FULL', 'Cannot write the registry as the disk is full');
        await nodeFiles.write(path, data, mode);
      },
    };
    await using twins = await AgentTwins.create({ memory: { files } });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    await twins.stop();
    await quarantine(twins);
    full = true;
    await twins.start();
    assert.equal((await predict(twins, {}, { model: 'Other' })).version, '1.0.0');
  });
});

/** As a kill leaves it: 2.0.0 is quarantined, and still stable. */
async function quarantine(twins: AgentTwins): Promise<void> {
  const file = join(twins.folder, 'work', 'registry.json');
  let state = JSON.parse(await readFile(file, 'utf8')) as RegistryState;
  for (let death = 0; death < QUARANTINE_TRIES; death++)
    state = countTry(state, 'Model', '2.0.0', 'Model host ended with signal SIGSEGV');
  await writeFile(file, JSON.stringify(state));
}
