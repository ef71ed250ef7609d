import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { predictTopic, replyTopic, topics } from '../../../src/contract/mod.js';
import { EdgeError, isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import { systemRandom } from '../../../src/system/mod.js';
import { encodeMessage, type GreengrassPort } from '../../../src/ipc/mod.js';
import { PROFILES } from '../../../src/local/nucleus/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { until } from '../../lib/until.js';

const RECIPES = fileURLToPath(new URL('../../../../recipes/', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../../examples/voice-activity/recipe.yaml', import.meta.url));

interface Policy {
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}

async function accessOf(file: string): Promise<JsonObject> {
  const recipe: unknown = parse(await readFile(file, 'utf8'));
  const at = (value: unknown, key: string): unknown => (isJsonObject(value) ? value[key] : undefined);
  const access = at(at(at(recipe, 'ComponentConfiguration'), 'DefaultConfiguration'), 'accessControl');
  return isJsonObject(access) ? access : {};
}

function policiesOf(access: JsonObject, service: string): Policy[] {
  const policies = access[service];
  return isJsonObject(policies) ? (Object.values(policies) as unknown as Policy[]) : [];
}

describe('faults: components without rights', () => {
  it('S5: no shipped policy holds a bare wildcard or reads the replies of others', async () => {
    const files = [...(await readdir(RECIPES)).map((name) => `${RECIPES}${name}`), EXAMPLE];
    let policies = 0;
    for (const file of files) {
      const access = await accessOf(file);
      for (const service of Object.keys(access)) {
        for (const { operations, resources } of policiesOf(access, service)) {
          policies++;
          assert.ok(!operations.includes('*') && !resources.includes('*'), `${file}: ${resources.join()}`);
          const reads = operations.includes('aws.greengrass#SubscribeToTopic');
          assert.ok(!reads || !resources.includes('edgemanager/v1/reply/*'), `${file} reads all replies`);
          assert.ok(!resources.some((resource) => resource.startsWith('edgemanager/v1/control/*')), file);
        }
      }
    }
    assert.ok(policies > 5);
  });

  for (const profile of PROFILES) {
    it(`S5: an app can do what its recipe says and nothing else (${profile})`, async () => {
      await using bench = await AgentBench.create({ profile });
      const app = await bench.connect('org.edgemanager.example.VoiceActivity', await accessOf(EXAMPLE));
      const model = await bench.connect(
        'org.edgemanager.model.SileroVad',
        await accessOf(`${RECIPES}org.edgemanager.model.SileroVad.yaml`),
      );
      const nobody = await bench.connect('com.example.Nobody', {});
      const others = replyTopic('org.edgemanager.CaptureUploader', '0'.repeat(32));
      const denied: [string, Promise<unknown>][] = [
        ...[
          topics.load,
          topics.unload,
          topics.register,
          topics.spoolResult,
          topics.modelEvents,
          topics.spoolClosed,
        ].map((topic): [string, Promise<unknown>] => [`app publishes ${topic}`, publish(app, topic)]),
        ['app predicts another model', publish(app, predictTopic('Other'))],
        ['app forges a reply', publish(app, others)],
        ...[others, 'edgemanager/v1/reply/#', '#', predictTopic('+'), topics.register, topics.load].map(
          (topic): [string, Promise<unknown>] => [
            `app subscribes ${topic}`,
            app.subscribe(topic, () => undefined),
          ],
        ),
        ...[topics.load, topics.list, predictTopic('SileroVad')].map((topic): [string, Promise<unknown>] => [
          `model publishes ${topic}`,
          publish(model, topic),
        ]),
        ['model reads requests', model.subscribe(topics.register, () => undefined)],
        ...[topics.hello, topics.list, predictTopic('SileroVad')].map((topic): [string, Promise<unknown>] => [
          `nobody publishes ${topic}`,
          publish(nobody, topic),
        ]),
      ];
      const results = await Promise.allSettled(denied.map(([, attempt]) => attempt));
      const granted = results.flatMap((result, index) =>
        result.status === 'rejected' &&
        result.reason instanceof EdgeError &&
        result.reason.code === 'PERMISSION_DENIED'
          ? []
          : [`${denied[index]?.[0]}: ${result.status === 'rejected' ? String(result.reason) : 'allowed'}`],
      );
      assert.deepEqual(granted, []);
      reportFaultRow({
        row: 'S5',
        cycles: denied.length,
        lost: 0,
        duplicated: 0,
        corrupt: 0,
        note: `denied on ${profile}`,
      });
    });
  }

  it('S5: the agent answers to no topic but a reply topic', async () => {
    await using bench = await AgentBench.create();
    await bench.start();
    const app = await bench.connect('com.example.App');
    const heard: string[] = [];
    for (const topic of ['victim/topic', topics.load, topics.modelEvents]) {
      await app.subscribe(topic, ({ payload }) => heard.push(`${topic} ${Buffer.from(payload).toString()}`));
    }
    const good = replyTopic('com.example.App', 'a'.repeat(32));
    let answered = false;
    await app.subscribe(good, () => {
      answered = true;
    });
    const wrong = [
      'victim/topic',
      topics.load,
      'edgemanager/v1/reply/com.example.App/short',
      'edgemanager/v1/reply/#',
      '',
    ];
    for (const [index, replyTo] of [...wrong, good].entries()) {
      const request = { v: 1, id: `r${index}`, replyTo, timeoutMs: 1000, op: 'list', body: {} };
      await app.publish(topics.list, encodeMessage(request));
    }
    // Answers come in order: once the good one is here, the others would have been.
    await until(() => answered, 'the good one is answered');
    assert.deepEqual(
      heard.filter((line) => !line.startsWith(topics.modelEvents)),
      [],
    );
    reportFaultRow({
      row: 'S5',
      cycles: wrong.length,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: 'reply topics',
    });
  });
});

async function publish(port: GreengrassPort, topic: string): Promise<void> {
  await port.publish(topic, encodeMessage({ id: systemRandom.hex(4) }));
}
