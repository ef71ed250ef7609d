import assert from 'node:assert/strict';
import type { FleetCloud } from '../../../deploy/cloud/fleet-mod.js';
import { applyRollout, currentDeployment } from '../../../deploy/rollout/mod.js';
import { SeededRandom } from '../../../src/core/mod.js';
import { eagerClock, MODEL, plan, type World } from './world.js';

class Killed extends Error {
  override readonly name = 'Killed';
}

/** The port as a process sees it that dies at one call, before or after it had its effect, while others deploy. */
function hostile(
  cloud: FleetCloud,
  beforeCall: (count: number) => Promise<void>,
  killAt: number,
  after: boolean,
): FleetCloud {
  const count = { calls: 0 };
  return new Proxy(cloud, {
    get: (target, name) => {
      const method = target[name as keyof FleetCloud] as (...all: unknown[]) => Promise<unknown>;
      return async (...all: unknown[]) => {
        count.calls += 1;
        await beforeCall(count.calls);
        if (count.calls === killAt && !after) throw new Killed('before');
        const result = await method(...all);
        if (count.calls === killAt && after) throw new Killed('after');
        return result;
      };
    },
  });
}

/**
 * Row D5: a rollout that is killed at random calls and meets deployments of others at any moment. In the end the
 * others' last versions stand beside ours, and every device has both.
 */
export async function hostileRun(world: World, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const pick = (below: number): number => Math.floor(random.fraction() * below);
  const fleet = `p${seed}`;
  const broken = random.fraction() < 0.3;
  const { arn, devices } = await world.fleet(fleet, 1 + pick(6), (version) => broken && version === '6.0.0');
  const theirs = new Map<string, string>();
  const deployTheirs = async (): Promise<void> => {
    const name = `com.example.other${pick(2)}`;
    const version = `${1 + pick(3)}.0.0`;
    await world.deployAsOthers(arn, { [name]: { componentVersion: version } });
    theirs.set(name, version);
  };
  if (random.fraction() < 0.8) await deployTheirs();
  await applyRollout(world.cloud, plan(fleet, '5.0.0', { attempt: 1 }), { clock: eagerClock });
  const theirsAt = new Set(Array.from({ length: pick(3) }, () => 1 + pick(40)));
  let outcome = '';
  for (let attempt = 0; attempt < 8 && outcome === ''; attempt++) {
    const killAt = attempt < 4 ? 1 + pick(40) : Infinity;
    const port = hostile(
      world.cloud,
      async (call) => {
        if (attempt < 2 && theirsAt.has(call)) await deployTheirs();
      },
      killAt,
      random.fraction() < 0.5,
    );
    try {
      outcome = (await applyRollout(port, plan(fleet, '6.0.0'), { clock: eagerClock })).status.outcome;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
  assert.equal(outcome, broken ? 'ROLLED_BACK' : 'SUCCEEDED', `seed ${seed}`);
  const components = (await currentDeployment(world.cloud, fleet))?.components ?? {};
  for (const [name, version] of theirs)
    assert.equal(components[name]?.componentVersion, version, `seed ${seed}: ${name}`);
  const wanted = broken ? '5.0.0' : '6.0.0';
  assert.equal(components[MODEL]?.componentVersion, wanted, `seed ${seed}`);
  for (const device of devices.values()) {
    await until(
      () =>
        device.version() === wanted &&
        [...theirs].every(([name, version]) => device.version(name) === version),
      () => `seed ${seed}: ${JSON.stringify(device.components)} ${JSON.stringify([...theirs])}`,
    );
  }
  assert.deepEqual(await world.cloud.thingsIn(`${fleet}-stage-1`), [], `seed ${seed}`);
}

async function until(condition: () => boolean, say: () => string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (condition()) return;
    await eagerClock.sleep(0);
  }
  assert.fail(say());
}

export async function publishAll(world: World): Promise<void> {
  await world.publish(MODEL, '5.0.0', '6.0.0');
  for (const name of ['com.example.other0', 'com.example.other1'])
    await world.publish(name, '1.0.0', '2.0.0', '3.0.0');
}
