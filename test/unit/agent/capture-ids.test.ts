import { strict as assert } from 'node:assert';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { EdgeError, silentLogger } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { CaptureOwners } from '../../../src/runtime/agent/capture-owners.js';
import { OwnersLog } from '../../../src/runtime/agent/owners-log.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const predict = async (app: EdgeManagerClient, captureId: string) =>
  await app.predict('Model', [floats('x', [1])], { captureId, capture: 'always' });
const stateOf = async (app: EdgeManagerClient, captureId: string): Promise<string> =>
  (await app.captureStatus(captureId)).state;

describe('capture ids', () => {
  it('of another component keep nothing out', async () => {
    await using twins = await AgentTwins.create({
      script: () => ({ run: () => ({ captured: 'yes' as never }) }),
    });
    await twins.register(await twins.package('1.0.0'));
    const stranger = await twins.app('com.example.Stranger');
    const app = await twins.app();
    const submitted = { modelName: 'Model', captureId: 'frame-1', inputTensors: [floats('x', [1])] };
    await stranger.capture(submitted);
    assert.equal(await stateOf(stranger, 'frame-1'), 'SPOOLED');
    assert.equal(await stateOf(app, 'frame-1'), 'SPOOLED', 'who watches is told');
    await assert.rejects(app.capture(submitted), { reason: 'CAPTURE_ID_TAKEN' });
    const own = (await predict(app, 'frame-1')).captureId;
    assert.ok(own !== undefined && own !== 'frame-1');
    await stranger.close();
    await app.close();
  });

  it('that their own component repeats are captured once', async () => {
    const modes: string[] = [];
    await using twins = await AgentTwins.create({
      script: () => ({
        run: ({ capture }) => {
          modes.push(`${capture.captureId} ${capture.mode}`);
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    const app = await twins.app();
    await app.capture({ modelName: 'Model', captureId: 'frame-1', inputTensors: [floats('x', [1])] });
    await until(async () => (await stateOf(app, 'frame-1')) === 'SPOOLED', 'it is on disk');
    // Its first reply may have been lost with the agent: the repetition tells that there is a capture.
    assert.equal((await predict(app, 'frame-1')).captureId, 'frame-1');
    assert.equal((await predict(app, 'frame-2')).captureId, undefined);
    assert.deepEqual(modes, ['frame-1 never', 'frame-2 always']);
    await app.close();
  });

  it('stay those of their component over a restart and a kill of the agent', async () => {
    const disk = new MemoryDisk();
    await using twins = await AgentTwins.create({
      disk,
      script: () => ({ run: () => ({ captured: 'yes' as never }) }),
    });
    await twins.register(await twins.package('1.0.0'));
    const submitted = { modelName: 'Model', captureId: 'frame-1', inputTensors: [floats('x', [1])] };
    const stranger = await twins.app('com.example.Stranger');
    await stranger.capture(submitted);
    await stranger.close();
    for (let start = 0; start < 3; start++) {
      await twins.stop();
      await twins.start();
      const app = await twins.app();
      const own = (await predict(app, 'frame-1')).captureId;
      assert.ok(own !== undefined && own !== 'frame-1', `start ${start}: ${own}`);
      await app.close();
    }
  });
});

describe('the log of whose capture ids are', () => {
  const open = async (disk: MemoryDisk, maxLines = 65_536) =>
    await OwnersLog.open({ disk, folder: '/owners', logger: silentLogger, maxLines });

  it('holds after a kill what was written, whatever the last line looks like', async () => {
    const disk = new MemoryDisk();
    const log = await open(disk);
    const owners = new CaptureOwners(log);
    for (let id = 0; id < 100; id++) owners.note(`id-${id}`, 'one');
    await log.settled();
    const [name = ''] = await disk.list('/owners');
    const torn = await disk.create('/owners/owners-99.jsonl');
    await torn.append(new TextEncoder().encode('["id-100","two"]\n["id-101","tw'));
    await torn.append(new TextEncoder().encode('\n{}\n["",""]\n'));
    const again = new CaptureOwners(await open(disk));
    assert.deepEqual(
      ['id-0', 'id-99', 'id-100', 'id-101'].map((id) => again.isForeign(id, 'one')),
      [false, false, true, false],
    );
    assert.ok(again.isForeign('id-0', 'two'));
    assert.ok(!(await disk.list('/owners')).includes(name), 'former files go');
    assert.equal((await disk.list('/owners')).length, 1);
  });

  it('begins anew where it is long, and keeps what counts', async () => {
    const disk = new MemoryDisk();
    const log = await open(disk, 100);
    const owners = new CaptureOwners(log);
    for (let id = 0; id < 50; id++) owners.note(`id-${id}`, 'one');
    for (let turn = 0; turn < 1000; turn++) owners.note('id-7', turn % 2 === 0 ? 'two' : 'one');
    await log.settled();
    const [name = ''] = await disk.list('/owners');
    const lines = new TextDecoder().decode(await disk.read(`/owners/${name}`)).split('\n').length;
    assert.ok(lines <= 101, `${lines} lines`);
    const again = new CaptureOwners(await open(disk));
    assert.ok(again.isForeign('id-0', 'two') && again.isForeign('id-7', 'two'));
  });

  it('lets the agent go on from memory where the disk fails', async () => {
    const disk = new MemoryDisk();
    disk.list = () => Promise.reject(new EdgeError('DISK_FAILED', 'Cannot list: i/o error'));
    const owners = new CaptureOwners(await open(disk));
    owners.note('id', 'one');
    assert.ok(owners.isForeign('id', 'two'));
  });

  it('takes no line for a request that is not captured', async () => {
    const lines: string[] = [];
    const append = ([captureId]: readonly [string, string]): void => void lines.push(captureId);
    const owners = new CaptureOwners({ entries: [['kept-before', 'one']], append });
    const ids = ['kept-before', 'captured', 'not', 'twice', 'twice'];
    const claims = ids.map((id) => owners.claim(id, 'one'));
    assert.ok(owners.isForeign('not', 'two'), 'while it is under way it is its own');
    claims[0]?.keep();
    claims[1]?.keep();
    claims[3]?.end();
    claims[4]?.keep();
    for (const claim of claims) claim.end();
    assert.deepEqual(lines, ['captured', 'twice']);
    assert.ok(owners.isForeign('captured', 'two') && owners.isForeign('kept-before', 'two'));
    assert.ok(owners.isForeign('twice', 'two'));
    assert.ok(!owners.isForeign('not', 'two'), "afterwards it is nobody's");
  });

  it('keeps the ids of a component whatever number another one makes up', () => {
    const owners = new CaptureOwners({ entries: [], append: () => undefined });
    owners.note('mine', 'app');
    for (let id = 0; id < 40_000; id++) owners.note(`flood-${id}`, 'flood');
    assert.ok(owners.isForeign('mine', 'flood'));
    assert.ok(!owners.isForeign('flood-0', 'app'), 'its own oldest have gone');
    assert.ok(owners.isForeign('flood-39999', 'app'));
  });
});
