import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  diffComponents,
  foreignChanges,
  mergeComponents,
  type ComponentSet,
} from '../../../deploy/rollout/components.js';
import { judgeStage, type GateRules, type StageHealth } from '../../../deploy/rollout/gate.js';
import { assignStages } from '../../../deploy/rollout/stages.js';

const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0');
const component = fc.record({ componentVersion: version });
const sets = fc.dictionary(
  fc.constantFrom('com.a', 'com.b', 'org.edgemanager.AgentRuntime', 'org.edgemanager.model.A'),
  component,
);

describe('mergeComponents', () => {
  it('never drops or changes a component of others', () => {
    fc.assert(
      fc.property(
        sets,
        sets,
        fc.array(fc.constantFrom('com.a', 'com.b', 'org.edgemanager.model.A')),
        (current, extra, remove) => {
          const wanted: ComponentSet = Object.fromEntries(
            Object.entries(extra).filter(([name]) => name.startsWith('org.edgemanager.')),
          );
          const next = mergeComponents(current, wanted, remove);
          assert.deepEqual(foreignChanges(diffComponents(current, next)), []);
          for (const [name, value] of Object.entries(wanted))
            assert.equal(next[name]?.componentVersion, value.componentVersion);
        },
      ),
    );
  });

  it('shows nothing where nothing changes', () => {
    fc.assert(
      fc.property(sets, (current) =>
        assert.deepEqual(diffComponents(current, mergeComponents(current, current)), []),
      ),
    );
  });
});

describe('assignStages', () => {
  const devices = Array.from({ length: 1000 }, (_, index) => `device-${index}`);

  it('takes the same devices first each time, and each device once', () => {
    const stages = assignStages('fleet', devices, [
      { deviceSubsetType: 'PERCENTAGE', percentage: 1 },
      { deviceSubsetType: 'PERCENTAGE', percentage: 10 },
      { deviceSubsetType: 'PERCENTAGE', percentage: 100 },
    ]);
    assert.deepEqual(
      stages.map((stage) => stage.length),
      [10, 90, 900],
    );
    assert.equal(new Set(stages.flat()).size, 1000);
    const later = assignStages('fleet', devices.toReversed(), [
      { deviceSubsetType: 'PERCENTAGE', percentage: 1 },
    ]);
    assert.deepEqual(later[0], stages[0]);
  });

  it('refuses a device that the fleet does not have', () => {
    assert.throws(
      () => assignStages('fleet', devices, [{ deviceSubsetType: 'SELECTION', deviceNames: ['nobody'] }]),
      /no device nobody/,
    );
  });
});

describe('judgeStage', () => {
  const rules: GateRules = {
    minSucceededShare: 0.9,
    maxFailedShare: 0.1,
    minFinished: 3,
    soakSeconds: 60,
    timeoutSeconds: 600,
  };
  const health = (over: Partial<StageHealth>): StageHealth => ({
    devices: 10,
    succeeded: 0,
    failed: 0,
    unhealthy: 0,
    onProbation: 0,
    ageSeconds: 10,
    healthySeconds: undefined,
    ...over,
  });

  for (const [what, over, verdict] of [
    ['waits while too few have finished', { succeeded: 5 }, 'waiting'],
    ['waits for models on probation', { succeeded: 10, onProbation: 5 }, 'waiting'],
    ['soaks when healthy', { succeeded: 10, healthySeconds: 10 }, 'soaking'],
    ['goes on after the soak', { succeeded: 9, healthySeconds: 60 }, 'healthy'],
    ['does not judge failures before enough have finished', { failed: 2 }, 'waiting'],
    ['stops when too many failed', { succeeded: 2, failed: 1 }, 'stop'],
    ['stops when models went back although deployments succeeded', { succeeded: 10, unhealthy: 2 }, 'stop'],
    ['stops when time is up', { succeeded: 8, ageSeconds: 600 }, 'stop'],
  ] as const) {
    it(what, () => assert.equal(judgeStage(health(over), rules).verdict, verdict));
  }

  it('judges a stage of one device by that one', () => {
    assert.equal(judgeStage(health({ devices: 1, failed: 1 }), rules).verdict, 'stop');
  });
});
