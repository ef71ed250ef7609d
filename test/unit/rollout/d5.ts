import assert from 'node:assert/strict';
import type { FleetCloud } from '../../../deploy/cloud/fleet/mod.js';
import { applyRollout, currentDeployment, MARKS, type ComponentSet } from '../../../deploy/rollout/mod.js';
import { canonicalJson, SeededRandom } from '../../../src/core/mod.js';
import type { CallHook } from '../../../src/local/cloud/mod.js';
import { eagerClock, MODEL, plan, type FakeDevice, type World } from './world.js';

class Killed extends Error {
  override readonly name = 'Killed';
}

interface Hostility {
  /** The call at which the process dies; Infinity: it lives. */
  readonly killAt: number;
  /** The call has its effect before the process dies. */
  readonly killAfter: boolean;
  /** Others deploy before or after these calls. */
  readonly othersBefore: ReadonlySet<number>;
  readonly othersAfter: ReadonlySet<number>;
}

/** The port as a process sees it that dies at one call, before or after it had its effect, while others deploy. */
function hostile(cloud: FleetCloud, others: () => Promise<void>, hostility: Hostility): FleetCloud {
  const { killAt, killAfter, othersBefore, othersAfter } = hostility;
  const count = { calls: 0 };
  return new Proxy(cloud, {
    get: (target, name) => {
      const method = target[name as keyof FleetCloud] as (...all: unknown[]) => Promise<unknown>;
      return async (...all: unknown[]) => {
        const call = ++count.calls;
        if (othersBefore.has(call)) await others();
        if (call === killAt && !killAfter) throw new Killed('before');
        const result = await method(...all);
        if (othersAfter.has(call)) await others();
        if (call === killAt && killAfter) throw new Killed('after');
        return result;
      };
    },
  });
}

/** What others deployed last, by name. */
type Theirs = Map<string, ComponentSet[string]>;

class Run {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #seed: number;
  #weather: CallHook | undefined;
  readonly fleet: string;
  readonly theirs: Theirs = new Map();
  arn = '';
  devices: ReadonlyMap<string, FakeDevice> = new Map();

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.fleet = `p${seed}`;
  }

  pick(below: number): number {
    return Math.floor(this.#random.fraction() * below);
  }

  happens(share: number): boolean {
    return this.#random.fraction() < share;
  }

  async deployTheirs(): Promise<void> {
    const name = `com.example.other${this.pick(2)}`;
    const component = {
      componentVersion: `${1 + this.pick(3)}.0.0`,
      configurationUpdate: { merge: { of: this.pick(1000) } },
    };
    // The weather is ours alone.
    this.#world.local.setHook(undefined);
    await this.#world.deployAsOthers(this.arn, { [name]: component });
    this.#world.local.setHook(this.#weather);
    this.theirs.set(name, component);
  }

  /** Starts the same command again after each kill, as a person or a scheduler would. */
  async applyUntilDone(version: string, kills: number): Promise<string> {
    for (let attempt = 0; attempt < kills + 4; attempt++) {
      const port = hostile(this.#world.cloud, () => this.deployTheirs(), this.#hostility(attempt < kills));
      try {
        const { status } = await applyRollout(port, plan(this.fleet, version), { clock: eagerClock });
        return status.outcome;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
    return 'KILLED';
  }

  #hostility(isOn: boolean): Hostility {
    const calls = (most: number): Set<number> =>
      new Set(Array.from({ length: isOn ? this.pick(most) : 0 }, () => 1 + this.pick(45)));
    return {
      killAt: isOn ? 1 + this.pick(45) : Infinity,
      killAfter: this.happens(0.5),
      othersBefore: calls(3),
      othersAfter: calls(3),
    };
  }

  setWeather(isOn: boolean): void {
    this.#weather = isOn ? this.#makeWeather() : undefined;
    this.#world.local.setHook(this.#weather);
  }

  /** Some calls are throttled, meet a conflict or lose their connection, half of these after they had their effect. */
  #makeWeather(): CallHook {
    const share = this.pick(4) * 0.02;
    const random = new SeededRandom(this.#seed + 0x5eed);
    return ({ operation }) => {
      if (random.fraction() >= share) return undefined;
      const orders = ['throttle', 'cut-before', 'cut-after'] as const;
      if (operation === 'CreateDeployment' && random.fraction() < 0.3) return 'conflict';
      return orders[Math.floor(random.fraction() * orders.length)];
    };
  }
}

/**
 * Row D5: a rollout that is killed at random calls and meets deployments of others at any moment. In the end the
 * others' last versions and configurations stand beside ours, and every device has both.
 */
export async function hostileRun(world: World, seed: number): Promise<void> {
  const run = new Run(world, seed);
  const isBroken = run.happens(0.3);
  Object.assign(
    run,
    await world.fleet(run.fleet, 1 + run.pick(6), (version) => isBroken && version === '6.0.0'),
  );
  if (run.happens(0.8)) await run.deployTheirs();
  run.setWeather(true);
  const say = `seed ${seed} (EDGE_MANAGER_SEED repeats it)`;
  assert.equal(await run.applyUntilDone('5.0.0', run.pick(3)), 'SUCCEEDED', say);
  const outcome = await run.applyUntilDone('6.0.0', 4);
  run.setWeather(false);
  assert.equal(outcome, isBroken ? 'ROLLED_BACK' : 'SUCCEEDED', say);
  await checkEnd(world, run, isBroken ? '5.0.0' : '6.0.0', say);
}

async function checkEnd(world: World, run: Run, wanted: string, say: string): Promise<void> {
  const components = (await currentDeployment(world.cloud, run.fleet))?.components ?? {};
  for (const [name, component] of run.theirs)
    assert.deepEqual(components[name], component, `${say}: ${name}`);
  assert.equal(components[MODEL]?.componentVersion, wanted, say);
  const isWhole = (device: FakeDevice): boolean =>
    device.version() === wanted &&
    [...run.theirs].every(
      ([name, component]) => canonicalJson(device.components[name]) === canonicalJson(component),
    );
  for (const device of run.devices.values()) {
    await until(
      () => isWhole(device),
      () => `${say}: ${JSON.stringify(device.components)} ${JSON.stringify([...run.theirs])}`,
    );
  }
  assert.deepEqual(await world.cloud.thingsIn(`${run.fleet}-stage-1`), [], say);
  checkOnce(world, run, say);
}

/** A start over finds what the process that died has made: no deployment of ours exists twice. */
function checkOnce(world: World, run: Run, say: string): void {
  const made = world.local.deployments
    .list()
    .filter(
      ({ request }) => request.tags?.[MARKS.purpose] !== undefined && request.targetArn.includes(run.fleet),
    )
    .map(({ request: { targetArn, tags = {} } }) =>
      [targetArn, tags[MARKS.rollout], tags[MARKS.purpose], tags[MARKS.merged] ?? ''].join(' '),
    );
  assert.deepEqual(made, [...new Set(made)], say);
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
