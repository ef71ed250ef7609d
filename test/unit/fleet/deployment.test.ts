import assert from 'node:assert/strict';
import { parseFleets, planForFleet, proposeRollout } from '../../../deploy/mod.js';
import { MODEL, makeWorld, plan } from '../rollout/world.js';

const AGENT = 'org.edgemanager.AgentRuntime';
const UPLOADER = 'org.edgemanager.CaptureUploader';
const fleets = parseFleets({
  fleets: {
    ovens: {
      thingGroup: 'ovens-group',
      output: { s3OutputLocation: 's3://captures/hall-3' },
      agent: { probation: { requests: 500, enabled: true } },
    },
    grills: {},
  },
});

describe('planForFleet', () => {
  it('puts the fleet’s configuration below the plan’s and the stages’, for components that the plan brings', () => {
    const given = plan('ovens', '5.0.0', {
      components: {
        [MODEL]: { version: '5.0.0' },
        [AGENT]: { version: '1.0.0', merge: { probation: { requests: 9 }, logLevel: 'debug' } },
      },
      stages: [
        {
          name: 'one',
          select: { percentage: 10 },
          failureHandling: 'DO_NOTHING',
          components: { [AGENT]: { merge: { logLevel: 'warn' } } },
        },
        { name: 'all', select: { percentage: 100 }, failureHandling: 'DO_NOTHING' },
      ],
    });
    const made = planForFleet(given, fleets, undefined) as typeof given;
    assert.equal(made.fleet, 'ovens-group');
    const fromFleet = { fleet: 'ovens', capture: { folderPrefix: 'hall-3' } };
    assert.deepEqual(made.components, {
      [MODEL]: { version: '5.0.0' },
      [AGENT]: {
        version: '1.0.0',
        merge: { ...fromFleet, probation: { requests: 9, enabled: true }, logLevel: 'debug' },
      },
    });
    assert.deepEqual(made.stages[0]?.components?.[AGENT]?.merge, {
      ...fromFleet,
      probation: { requests: 500, enabled: true },
      logLevel: 'warn',
    });
    assert.equal(given.components[AGENT]?.merge?.['fleet'], undefined, 'the given plan stays as it was');
  });

  it('brings a plan to another fleet of the file', () => {
    const made = planForFleet(plan('ovens', '5.0.0'), fleets, 'grills') as { fleet: string };
    assert.equal(made.fleet, 'grills');
  });

  it('refuses a fleet that the file does not have', () => {
    assert.throws(() => planForFleet(plan('toasters', '5.0.0'), fleets, undefined), /fleet toasters/);
  });

  it('makes a plan that a rollout takes', async () => {
    await using world = await makeWorld();
    await world.fleet('ovens-group', 1);
    await world.publish(AGENT, '1.0.0');
    await world.publish(UPLOADER, '1.0.0');
    const components = { [AGENT]: { version: '1.0.0' }, [UPLOADER]: { version: '1.0.0' } };
    const made = planForFleet(plan('ovens', '1.0.0', { components }), fleets, undefined);
    const { changes } = await proposeRollout(world.cloud, made);
    const uploader = changes.find((change) => change.name === UPLOADER);
    assert.deepEqual(uploader?.kind === 'add' ? uploader.to.configurationUpdate?.merge : undefined, {
      bucket: 'captures',
    });
  });
});
