import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { AdminTransport } from '../../../src/client/admin-transport.js';
import { askAsOperator } from '../../../src/client/operator-request.js';
import { toEdgeError, type JsonObject } from '../../../src/core/mod.js';
import { ADMIN_OPERATIONS, DEFAULT_ADMIN_OPERATIONS } from '../../../src/runtime/config/mod.js';
import { openEntrance } from '../../lib/admin-entrance.js';
import { AgentTwins } from '../../lib/agent-twins.js';

const ALL = [...ADMIN_OPERATIONS, 'register'];

/** Of all operations, those that the gate lets through; what becomes of them behind it does not matter. */
async function allowed(twins: AgentTwins): Promise<string[]> {
  await using entrance = await openEntrance(twins);
  const socket = connect(entrance.path);
  await once(socket, 'connect');
  const transport = new AdminTransport(socket);
  const outcomes: string[] = [];
  for (const op of ALL) {
    const reason = await askAsOperator(transport, op, {}, 20_000).then(
      () => '',
      (thrown: unknown) => toEdgeError(thrown).reason,
    );
    if (reason !== 'ADMIN_OPERATION_REFUSED') outcomes.push(op);
  }
  await transport.close();
  return outcomes.toSorted();
}

const isFlagged = (twins: AgentTwins): boolean => twins.agent.heartbeat.collect().adminOpen === true;

/** Twins on what an earlier agent left: a registry that knows nothing of the admin socket. */
async function afterFormerAgent(twins: AgentTwins): Promise<void> {
  await twins.stop();
  await writeFile(join(twins.folder, 'work', 'registry.json'), '{"formatVersion":1,"models":{}}');
  await twins.start();
}

describe('the admin socket', () => {
  it('answers what changes nothing, and predictions, on a new device, over restarts too', async () => {
    await using twins = await AgentTwins.create();
    assert.deepEqual(await allowed(twins), [...DEFAULT_ADMIN_OPERATIONS].toSorted());
    await twins.register(await twins.package('1.0.0'));
    await twins.stop();
    await twins.start();
    assert.deepEqual(await allowed(twins), [...DEFAULT_ADMIN_OPERATIONS].toSorted());
    assert.equal(isFlagged(twins), false);
  });

  it('answers what the configuration names, which can be everything but register', async () => {
    for (const operations of [[], ['list'], [...ADMIN_OPERATIONS]]) {
      await using twins = await AgentTwins.create({ configuration: { admin: { operations } } });
      assert.deepEqual(await allowed(twins), operations.toSorted());
    }
    await using twins = await AgentTwins.create({ configuration: { admin: { operations: ['register'] } } });
    assert.equal(twins.dependencies.configuration.refusal?.field, 'admin.operations[0]');
  });

  it('goes on to load and unload where an earlier agent ran, flagged, until the configuration decides', async () => {
    const wide = [...DEFAULT_ADMIN_OPERATIONS, 'load', 'unload', 'capture'].toSorted();
    await using twins = await AgentTwins.create();
    await afterFormerAgent(twins);
    assert.deepEqual([await allowed(twins), isFlagged(twins)], [wide, true]);
    const decided: JsonObject = { admin: { operations: ['list'] } };
    assert.ok(await twins.dependencies.configuration.offer(decided));
    assert.deepEqual([await allowed(twins), isFlagged(twins)], [['list'], false]);
  });

  it('says which key allows what it refuses', async () => {
    await using twins = await AgentTwins.create();
    assert.throws(() => twins.agent.adminGate.check('unload'), {
      reason: 'ADMIN_OPERATION_REFUSED',
      message: /'admin\.operations' must name it/,
      nextStep: /Add 'unload' to admin\.operations/,
    });
  });

  it('stays narrow where a damaged registry is rebuilt from nothing', async () => {
    await using twins = await AgentTwins.create();
    await twins.stop();
    await rm(join(twins.folder, 'work', 'registry.json'), { force: true });
    await twins.start();
    assert.equal(isFlagged(twins), false);
  });
});
