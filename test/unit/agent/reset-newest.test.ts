import { strict as assert } from 'node:assert';
import { dirname } from 'node:path';
import { performLocalCommand } from '../../../src/client/local/local-commands.js';
import { openEntrance } from '../../lib/admin-entrance.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';

describe('edge-manager local reset-newest', () => {
  it('lets versions come again that a wrong number kept out, also after a restart', async () => {
    await using twins = await AgentTwins.create({
      configuration: { admin: { operations: ['resetNewest'] } },
    });
    await twins.register(await twins.package('1.0.0'));
    const wrong = await twins.package('900.0.0');
    await twins.register(wrong);
    const later = await twins.package('1.0.1');
    await assert.rejects(twins.register(later), { reason: 'PACKAGE_REFUSED_DOWNGRADE' });
    const { code, out } = await local(twins, 'reset-newest', 'Model', '--version', '1.0.0');
    assert.deepEqual([code, out], [0, 'Model: the newest version is 1.0.0; passed over: 900.0.0']);
    assert.equal((await predict(twins)).version, '900.0.0');
    await twins.stop();
    await twins.start();
    assert.equal((await twins.register(later)).verdict, 'ADMITTED');
    assert.equal((await predict(twins)).version, '1.0.1');
    await assert.rejects(twins.register(await twins.package('1.0.0-rc.1')), {
      reason: 'PACKAGE_REFUSED_DOWNGRADE',
    });
    // The wrong one comes back as what served here may, and still keeps nothing out.
    await twins.register(wrong);
    assert.equal((await twins.register(await twins.package('1.0.2'))).verdict, 'ADMITTED');
  });

  it('says what is wrong with a version or a name', async () => {
    await using twins = await AgentTwins.create({
      configuration: { admin: { operations: ['resetNewest'] } },
    });
    await twins.register(await twins.package('1.0.0'));
    for (const [args, told] of [
      [['Model'], /--version is missing/],
      [['Model', '--version', 'newest'], /must be a semantic version/],
      [['Other', '--version', '1.0.0'], /no model 'Other'/],
    ] as const) {
      const { code, error } = await local(twins, 'reset-newest', ...args);
      assert.equal(code, 1);
      assert.match(error, told);
    }
  });
});

async function local(twins: AgentTwins, ...args: string[]) {
  await using entrance = await openEntrance(twins);
  const lines = { out: [] as string[], error: [] as string[] };
  const code = await performLocalCommand([...args, '--work', dirname(entrance.path)], {
    out: (line) => lines.out.push(line),
    error: (line) => lines.error.push(line),
  });
  return { code, out: lines.out.join('\n'), error: lines.error.join('\n') };
}
