import assert from 'node:assert/strict';
import { NucleusBench } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const A = 'com.example.A';
const EXCHANGE = 'aws.greengrass.TokenExchangeService';
const RUN = 'echo "uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI."; exec sleep 300';

const depending = (kind: 'HARD' | 'SOFT') => ({
  lifecycle: { run: RUN },
  dependencies: { [EXCHANGE]: { VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: kind } },
});

/** Addresses that the component was told at its starts. */
async function told(bench: NucleusBench): Promise<string[]> {
  return [...(await bench.log(A)).matchAll(/^uri=(.*)\.$/gm)].map(([, uri = '']) => uri);
}

describe('the token exchange on lite', () => {
  it('stops for good who depends on it HARD when it ends, as BindsTo does', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', depending('HARD'));
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.nucleus.restartTokenExchange();
    assert.equal(bench.stateOf(A), 'FINISHED');
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.equal(bench.stateOf(A), 'FINISHED', 'an unchanged component is not started again');
  });

  it('leaves who depends on it SOFT alone, with the address of before', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', depending('SOFT'));
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'uri=');
    const pid = bench.pidOf(A);
    const { environment } = bench.nucleus.registerExternal('com.example.Before', {});
    await bench.nucleus.restartTokenExchange();
    assert.equal(bench.pidOf(A), pid);
    const uri = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    assert.deepEqual(await told(bench), [uri]);
    await assert.rejects(fetch(uri));
  });
});

describe('the token exchange on the Java nucleus', () => {
  it('restarts who depends on it HARD, who waited for it, with its new address', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', depending('HARD'));
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'uri=http://localhost:');
    await bench.nucleus.restartTokenExchange();
    await until(async () => new Set(await told(bench)).size === 2, 'it has started with another address');
  });

  it('tells everybody its address once it is up, and after a start of the nucleus the one of before', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add('com.example.Needs', '1.0.0', depending('HARD'));
    bench.store.add(A, '1.0.0', { lifecycle: { run: RUN } });
    await bench.mustDeploy({ 'com.example.Needs': '1.0.0' });
    await bench.mustDeploy({ 'com.example.Needs': '1.0.0', [A]: '1.0.0' });
    await bench.untilLog(A, 'uri=http://localhost:');
    await bench.close();
    await bench.open();
    await until(async () => (await told(bench)).length === 2, 'it has started again');
    const [before, after] = await told(bench);
    assert.equal(after, before);
    await assert.rejects(fetch(after ?? ''));
  });
});
