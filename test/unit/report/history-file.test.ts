import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendReport, readHistory } from '../../../deploy/report/mod.js';
import { reportOf } from '../../lib/fleet-reports.js';

describe('the history of reports', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'history-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives back the reports of one fleet, oldest first', async () => {
    const path = join(folder, 'history.jsonl');
    await appendReport(path, reportOf(2));
    await appendReport(path, reportOf(1, { deviceFleetName: 'others' }));
    await appendReport(path, reportOf(0));
    assert.deepEqual(await readHistory(path, 'cameras'), {
      reports: [reportOf(0), reportOf(2)],
      unreadableLines: 0,
    });
  });

  it('is empty where there is no file', async () => {
    const found = await readHistory(join(folder, 'none.jsonl'), 'cameras');
    assert.deepEqual(found, { reports: [], unreadableLines: 0 });
  });

  it('loses only the line that a kill cut, and says so', async () => {
    const path = join(folder, 'history.jsonl');
    await appendReport(path, reportOf(0));
    await appendFile(path, '{"deviceFleetName":"cam');
    await appendReport(path, reportOf(1));
    assert.deepEqual(await readHistory(path, 'cameras'), {
      reports: [reportOf(0), reportOf(1)],
      unreadableLines: 1,
    });
    assert.equal((await readFile(path, 'utf8')).split('\n').length, 4);
  });

  it('names the file that it cannot write', async () => {
    await assert.rejects(
      appendReport(join(folder, 'no', 'history.jsonl'), reportOf(0)),
      /Cannot add to the history/,
    );
  });
});
