import assert from 'node:assert/strict';
import { isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import { NucleusBench } from '../../lib/nucleus.js';
import { RawIpcClient } from '../../lib/raw-ipc-client.js';

const A = 'com.example.A';
const B = 'com.example.B';
const SERVE = { lifecycle: { run: 'echo $SVCUID; exec sleep 300' }, configuration: { a: 'a' } };

const merging = (value: string, componentVersion = '1.0.0') => ({
  componentVersion,
  configurationUpdate: { merge: { a: value } },
});

/** Listens as the component, and answers each question with the status. */
async function validates(
  bench: NucleusBench,
  status: 'ACCEPTED' | 'REJECTED',
): Promise<{ readonly asked: JsonObject[]; readonly answer: string | undefined; close(): void }> {
  const svcuid = (await bench.untilLog(A, '\n')).trim();
  const client = await RawIpcClient.connect(bench.nucleus.socketPath, svcuid);
  const asked: JsonObject[] = [];
  const { shape } = await client.call('SubscribeToValidateConfigurationUpdates', {});
  const follow = async (): Promise<void> => {
    for (let count = client.frames.received.length + 1; ; count++) {
      const frame = (await client.frames.until(count))[count - 1];
      const body = JSON.parse(Buffer.from(frame?.payload ?? []).toString()) as JsonObject;
      const event = body['validateConfigurationUpdateEvent'];
      if (!isJsonObject(event)) continue;
      asked.push(event);
      const report = { status, deploymentId: event['deploymentId'] ?? '', message: 'as it is' };
      client.request('SendConfigurationValidityReport', { configurationValidityReport: report });
    }
  };
  void follow();
  return { asked, answer: shape, close: () => client.socket.destroy() };
}

describe('the validation of a configuration on nucleus', () => {
  it('lets a deployment go on that the component accepts, and shows it the whole configuration', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', SERVE);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const validator = await validates(bench, 'ACCEPTED');
    await bench.mustDeploy({ [A]: merging('b') });
    assert.deepEqual(validator.asked, [{ deploymentId: 'deployment-2', configuration: { a: 'b' } }]);
    validator.close();
  });

  it('fails a deployment that the component rejects, with its words, and changes nothing', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', SERVE);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const validator = await validates(bench, 'REJECTED');
    const { detailedStatus, reason } = await bench.deploy({ [A]: merging('b') });
    assert.equal(detailedStatus, 'FAILED_NO_STATE_CHANGE');
    assert.match(reason, /is invalid \{ name = com\.example\.A, message = as it is \}$/);
    assert.deepEqual(bench.configurationOf(A), { a: 'a' });
    validator.close();
  });

  it('waits for every component that gets another configuration, also for one that does not listen', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', SERVE);
    bench.store.add(B, '1.0.0', { ...SERVE, lifecycle: { run: 'exec sleep 300' } });
    await bench.mustDeploy({ [A]: '1.0.0', [B]: '1.0.0' });
    const validator = await validates(bench, 'ACCEPTED');
    const { detailedStatus, reason } = await bench.deploy(
      { [A]: merging('b'), [B]: merging('b') },
      { configurationValidationPolicy: { timeoutInSeconds: 1 } },
    );
    assert.equal(detailedStatus, 'FAILED_NO_STATE_CHANGE');
    assert.match(reason, /^Error while waiting for validation report/);
    validator.close();
  });

  it('does not ask where the version changes too', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', SERVE);
    bench.store.add(A, '2.0.0', SERVE);
    await bench.mustDeploy({ [A]: '1.0.0' });
    const validator = await validates(bench, 'REJECTED');
    await bench.mustDeploy({ [A]: merging('b', '2.0.0') });
    assert.deepEqual(validator.asked, []);
    validator.close();
  });
});

it('lite has no validation of configurations', async () => {
  await using bench = await NucleusBench.start('lite');
  bench.store.add(A, '1.0.0', SERVE);
  await bench.mustDeploy({ [A]: '1.0.0' });
  const validator = await validates(bench, 'REJECTED');
  assert.equal(validator.answer, 'aws.greengrass#ServiceError');
  await bench.mustDeploy({ [A]: merging('b') });
  validator.close();
});
