import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHistory } from '../../deploy/report/mod.js';
import { awsOf, runCli } from '../lib/cli.js';
import { makeWorld, type World } from '../unit/rollout/world.js';

describe('edge-manager report', () => {
  let folder = '';
  let world: World | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'report-'));
    world = await makeWorld();
    await world.fleet('cameras', 3);
  });
  after(async () => {
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const report = (...args: string[]): ReturnType<typeof runCli> =>
    runCli(['report', ...args], { folder, ...(world === undefined ? {} : { aws: awsOf(world.local) }) });

  it('says how to turn indexing on, prints, writes the page, and keeps a history', async () => {
    const off = await report('cameras', '--html', 'page.html');
    assert.equal(off.code, 1);
    assert.match(off.error, /fleet indexing is off\nNext: .*edge-manager report cameras --set-up/);
    await assert.rejects(access(join(folder, 'page.html')));

    assert.equal((await report('cameras', '--set-up')).code, 0);
    const history = join(folder, 'history.jsonl');
    const first = await report('cameras', '--json', '--history', history);
    assert.equal(first.code, 0, first.error);
    const printed = JSON.parse(first.out) as { deviceStates: Record<string, number> };
    assert.equal(printed.deviceStates['silent'], 3);

    const second = await report('cameras', '--html', 'page.html', '--history', history);
    assert.equal(second.code, 0, second.error);
    assert.match(second.out, /cameras: 3 devices, 3 connected/);
    assert.match(await readFile(join(folder, 'page.html'), 'utf8'), /2 reports in the history/);
    assert.equal((await readHistory(history, 'cameras')).reports.length, 2);
  });

  it('names the file that it cannot write', async () => {
    const { code, error } = await report('cameras', '--html', 'page.html/below.html');
    assert.equal(code, 1);
    assert.match(error, /Cannot write the page .*\/page\.html\/below\.html: /);
  });
});
