import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BOTH, NucleusBench } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const A = 'com.example.A';
const B = 'com.example.B';
const SERVE = { lifecycle: { run: 'exec sleep 300' } };
const FAIL = { lifecycle: { startup: 'exit 1' } };

for (const profile of BOTH) {
  describe(`deployments on ${profile}`, () => {
    it('brings the device to the whole set: adds, updates and removes', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', SERVE);
      bench.store.add(A, '1.1.0', SERVE);
      bench.store.add(B, '1.0.0', SERVE);
      await bench.mustDeploy({ [A]: '1.0.0' });
      const first = bench.pidOf(A);
      await bench.mustDeploy({ [A]: '1.1.0', [B]: '1.0.0' });
      assert.notEqual(bench.pidOf(A), first);
      const seen = bench.nucleus.components().map(({ name, version, isRoot }) => [name, { version, isRoot }]);
      assert.deepEqual(Object.fromEntries(seen), {
        [A]: { version: '1.1.0', isRoot: true },
        [B]: { version: '1.0.0', isRoot: true },
      });
      await bench.mustDeploy({ [B]: '1.0.0' });
      assert.deepEqual(
        bench.nucleus.components().map(({ name }) => name),
        [B],
      );
    });

    it('leaves alone what does not change', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', SERVE);
      bench.store.add(B, '1.0.0', SERVE);
      await bench.mustDeploy({ [A]: '1.0.0' });
      const pid = bench.pidOf(A);
      await bench.mustDeploy({ [A]: '1.0.0', [B]: '1.0.0' });
      assert.equal(bench.pidOf(A), pid);
    });

    it('changes nothing where a component or a version is unknown', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', SERVE);
      await bench.mustDeploy({ [A]: '1.0.0' });
      const pid = bench.pidOf(A);
      const version = await bench.deploy({ [A]: '2.0.0' });
      assert.equal(version.detailedStatus, 'FAILED_NO_STATE_CHANGE');
      assert.match(
        version.reason,
        /No version of com\.example\.A satisfies "2\.0\.0" of the deployment: there are 1\.0\.0/,
      );
      const component = await bench.deploy({ [A]: '1.0.0', [B]: '1.0.0' });
      assert.match(component.reason, /Cannot find the component com\.example\.B/);
      assert.equal(bench.pidOf(A), pid);
    });

    it('changes nothing where an artifact is missing', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { ...SERVE, artifacts: { 'a.txt': 'a' } });
      bench.store.fetchArtifact = () => Promise.reject(new Error('Cannot find the artifact a.txt'));
      const result = await bench.deploy({ [A]: '1.0.0' });
      assert.equal(result.detailedStatus, 'FAILED_NO_STATE_CHANGE');
      assert.match(result.reason, /a\.txt/);
    });

    it('rejects a document with a misspelt key, and names it', async () => {
      await using bench = await NucleusBench.start(profile);
      const document = { deploymentId: 'd', components: { [A]: { componentVersion: '1.0.0', config: {} } } };
      const result = await bench.nucleus.deploy(document);
      assert.equal(result.detailedStatus, 'REJECTED');
      assert.match(result.reason, /config' is not a known key/);
    });

    it('carries out what is queued in its order', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', SERVE);
      bench.store.add(A, '1.1.0', SERVE);
      const results = await Promise.all([bench.deploy({ [A]: '1.0.0' }), bench.deploy({ [A]: '1.1.0' })]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['SUCCEEDED', 'SUCCEEDED'],
      );
      assert.equal(bench.nucleus.components()[0]?.version, '1.1.0');
    });

    it('resets, then merges, over what the device has; new defaults reach only new keys', async () => {
      await using bench = await NucleusBench.start(profile);
      const old = {
        accessControl: { topics: ['a'] },
        kept: 'old',
        list: ['a', 'b'],
        nested: { x: 'x', y: 'y' },
      };
      bench.store.add(A, '1.0.0', { ...SERVE, configuration: old });
      const fresh = {
        accessControl: { topics: ['b'] },
        kept: 'new',
        added: 'new',
        list: ['c'],
        nested: { x: 'z' },
      };
      bench.store.add(A, '2.0.0', { ...SERVE, configuration: fresh });
      await bench.mustDeploy({ [A]: '1.0.0' });
      assert.deepEqual(bench.configurationOf(A), old);
      const merge = { kept: 'mine', list: ['m'], nested: { w: 'w' } };
      await bench.mustDeploy({ [A]: { componentVersion: '1.0.0', configurationUpdate: { merge } } });
      assert.deepEqual(bench.configurationOf(A), {
        ...old,
        kept: 'mine',
        list: ['m'],
        nested: { x: 'x', y: 'y', w: 'w' },
      });
      await bench.mustDeploy({ [A]: '2.0.0' });
      // An old accessControl survives the update of the recipe.
      assert.deepEqual(bench.configurationOf(A)?.['accessControl'], { topics: ['a'] });
      assert.equal(bench.configurationOf(A)?.['added'], 'new');
      const reset = { reset: ['/accessControl', '/nested/x'], merge: { kept: 'last' } };
      await bench.mustDeploy({ [A]: { componentVersion: '2.0.0', configurationUpdate: reset } });
      assert.deepEqual(bench.configurationOf(A), {
        accessControl: { topics: ['b'] },
        added: 'new',
        kept: 'last',
        list: ['m'],
        nested: { x: 'z', y: 'y', w: 'w' },
      });
      await bench.mustDeploy({ [A]: { componentVersion: '2.0.0', configurationUpdate: { reset: [''] } } });
      assert.deepEqual(bench.configurationOf(A), fresh);
    });

    it('keeps the work folder through updates, and drops artifacts that are out of use', async () => {
      await using bench = await NucleusBench.start(profile);
      const run = 'ls; date >> kept.txt; echo written; exec sleep 300';
      bench.store.add(A, '1.0.0', { lifecycle: { run }, artifacts: { 'a.txt': '1' } });
      bench.store.add(A, '2.0.0', { lifecycle: { run }, artifacts: { 'a.txt': '2' } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      // RUNNING says only that the script was started.
      await bench.untilLog(A, 'written');
      await bench.mustDeploy({ [A]: '2.0.0' });
      await bench.untilLog(A, 'kept.txt');
      assert.deepEqual(await readdir(join(bench.root, 'packages', 'artifacts', A)), ['2.0.0']);
    });

    it('takes the highest version of a dependency that all ranges allow', async () => {
      await using bench = await NucleusBench.start(profile);
      const onB = (range: string) => ({
        [B]: { VersionRequirement: range, DependencyType: 'SOFT' as const },
      });
      for (const version of ['1.0.0', '1.5.0', '1.9.0', '2.0.0']) bench.store.add(B, version, SERVE);
      bench.store.add(A, '1.0.0', { ...SERVE, dependencies: onB('>=1.0.0 <2.0.0') });
      bench.store.add('com.example.C', '1.0.0', { ...SERVE, dependencies: onB('<1.9.0') });
      await bench.mustDeploy({ [A]: '1.0.0', 'com.example.C': '1.0.0' });
      const found = bench.nucleus.components().find(({ name }) => name === B);
      assert.equal(found?.version, '1.5.0');
      assert.equal(found?.isRoot, false);
      const clash = await bench.deploy({ [A]: '1.0.0', [B]: '2.0.0' });
      assert.match(clash.reason, /No version of com\.example\.B satisfies/);
    });

    it('starts a HARD dependent when its dependency is up', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(B, '1.0.0', { lifecycle: { startup: 'sleep 0.3' } });
      bench.store.add(A, '1.0.0', {
        ...SERVE,
        dependencies: { [B]: { VersionRequirement: '1.0.0', DependencyType: 'HARD' } },
      });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const order = bench.states.filter((line) => line === `${B} RUNNING` || line === `${A} STARTING`);
      assert.deepEqual(order, [`${B} RUNNING`, `${A} STARTING`]);
    });

    it('restarts a HARD dependent with its dependency, and leaves a SOFT one alone', async () => {
      await using bench = await NucleusBench.start(profile);
      const on = (type: 'HARD' | 'SOFT') => ({
        [B]: { VersionRequirement: '>=1.0.0', DependencyType: type },
      });
      // Fails when it is told to.
      const run = 'until [ -e fail ]; do sleep 0.05; done; rm fail; exit 1';
      bench.store.add(B, '1.0.0', { lifecycle: { run } });
      bench.store.add(A, '1.0.0', { ...SERVE, dependencies: on('HARD') });
      bench.store.add('com.example.C', '1.0.0', { ...SERVE, dependencies: on('SOFT') });
      await bench.mustDeploy({ [A]: '1.0.0', 'com.example.C': '1.0.0' });
      const [hard, soft] = [bench.pidOf(A), bench.pidOf('com.example.C')];
      await writeFile(join(bench.root, 'work', B, 'fail'), '');
      await until(() => bench.pathOf(A).includes('STOPPING'), 'the HARD dependent stops');
      await bench.untilState(B, 'RUNNING');
      await bench.untilState(A, 'RUNNING');
      assert.ok(bench.pathOf(B).includes('ERRORED'));
      assert.notEqual(bench.pidOf(A), hard);
      assert.equal(bench.pidOf('com.example.C'), soft);
    });

    it('ends all processes when it closes', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', SERVE);
      await bench.mustDeploy({ [A]: '1.0.0' });
      const pid = bench.pidOf(A) ?? 0;
      process.kill(pid, 0);
      await bench.close();
      assert.throws(() => process.kill(pid, 0), /ESRCH/);
    });

    it('fails a deployment that it did not finish before it closed', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { lifecycle: { startup: 'exec sleep 300' } });
      const result = bench.deploy({ [A]: '1.0.0' });
      await bench.untilState(A, 'STARTING');
      await bench.close();
      assert.match((await result).reason, /closed/);
    });
  });
}

describe('a failed deployment on nucleus', () => {
  it('is put back under ROLLBACK: versions, configuration and processes as before', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', { ...SERVE, configuration: { a: 'default' } });
    bench.store.add(A, '2.0.0', { ...FAIL, configuration: { b: 'new' } });
    bench.store.add(B, '1.0.0', SERVE);
    bench.store.add('com.example.C', '1.0.0', SERVE);
    const merge = { a: 'set' };
    await bench.mustDeploy({
      [A]: { componentVersion: '1.0.0', configurationUpdate: { merge } },
      [B]: '1.0.0',
    });
    const result = await bench.deploy({
      [A]: { componentVersion: '2.0.0', configurationUpdate: { reset: ['/a'] } },
      'com.example.C': '1.0.0',
    });
    assert.equal(result.detailedStatus, 'FAILED_ROLLBACK_COMPLETE');
    assert.equal(result.reason, 'Service com.example.A in broken state after deployment');
    const after = bench.nucleus.components().map(({ name, version, state }) => [name, `${version} ${state}`]);
    assert.deepEqual(Object.fromEntries(after), { [A]: '1.0.0 RUNNING', [B]: '1.0.0 RUNNING' });
    assert.deepEqual(bench.configurationOf(A), { a: 'set' });
  });

  it('stays as it is under DO_NOTHING, and a corrective deployment mends it', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', SERVE);
    bench.store.add(A, '2.0.0', FAIL);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const result = await bench.deploy({ [A]: '2.0.0' }, { failureHandlingPolicy: 'DO_NOTHING' });
    assert.equal(result.detailedStatus, 'FAILED_ROLLBACK_NOT_REQUESTED');
    assert.equal(bench.stateOf(A), 'BROKEN');
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.equal(bench.stateOf(A), 'RUNNING');
  });

  it('says so where the rollback fails too', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', { lifecycle: { startup: 'if [ -e seen ]; then exit 1; fi; touch seen' } });
    bench.store.add(A, '2.0.0', FAIL);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const result = await bench.deploy({ [A]: '2.0.0' });
    assert.equal(result.detailedStatus, 'FAILED_UNABLE_TO_ROLLBACK');
    assert.match(result.reason, /the rollback failed too/);
  });

  it('keeps the artifacts of the former version for the rollback', async () => {
    await using bench = await NucleusBench.start('nucleus');
    const run = 'cat {artifacts:path}/a.txt; exec sleep 300';
    bench.store.add(A, '1.0.0', { lifecycle: { run }, artifacts: { 'a.txt': 'first' } });
    bench.store.add(A, '2.0.0', { ...FAIL, artifacts: { 'a.txt': 'second' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'first');
    await bench.deploy({ [A]: '2.0.0' });
    await bench.untilLog(A, /first[^]*first/);
  });
});

describe('a failed deployment on lite', () => {
  it('is never put back, whatever the policy; every later one fails until the component goes', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', SERVE);
    bench.store.add(A, '2.0.0', FAIL);
    bench.store.add(B, '1.0.0', SERVE);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const result = await bench.deploy({ [A]: '2.0.0' }, { failureHandlingPolicy: 'ROLLBACK' });
    assert.equal(result.detailedStatus, 'FAILED_ROLLBACK_NOT_REQUESTED');
    assert.equal(bench.stateOf(A), 'BROKEN');
    assert.equal(bench.nucleus.components()[0]?.version, '2.0.0');
    assert.equal((await bench.deploy({ [A]: '2.0.0', [B]: '1.0.0' })).status, 'FAILED');
    await bench.mustDeploy({ [B]: '1.0.0' });
  });

  it('removes nothing', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '2.0.0', FAIL);
    bench.store.add(B, '1.0.0', SERVE);
    await bench.mustDeploy({ [B]: '1.0.0' });
    await bench.deploy({ [A]: '2.0.0' });
    assert.equal(bench.stateOf(B), 'RUNNING');
  });
});
