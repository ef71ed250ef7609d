import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { straceAbsence, traceProcess } from '../../lib/strace.js';
import { startChild } from './child.js';

const SCRIPT = fileURLToPath(new URL('./wear-process.js', import.meta.url));
const COMMITS = 250;

describe('faults: flash wear', () => {
  it('R18: writes at most 1.3 times the records, one sync a commit and two more a segment', async function () {
    const missing = straceAbsence();
    if (missing !== undefined) {
      skipFaultRow('R18', missing);
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'edge-manager-wear-'));
    try {
      const log = join(folder, 'strace.log');
      const child = startChild(SCRIPT);
      await child.said('ready');
      const detached = await traceProcess(child.pid, ['-o', log, '-e', 'trace=fsync,fdatasync']);
      child.go('once', join(folder, 'spool'), '');
      const done = await child.said('done');
      await child.ended;
      await detached();
      const { closed, recordBytes, writtenBytes } = JSON.parse(done.slice(5)) as Record<string, number>;
      const syncs = [...readFileSync(log, 'utf8').matchAll(/\bf(?:data)?sync\(/g)].length;
      const budget = COMMITS + 2 * (closed ?? 0);
      const amplification = (writtenBytes ?? 0) / (recordBytes ?? 1);
      reportFaultRow({
        row: 'R18',
        cycles: 1000,
        lost: 0,
        duplicated: 0,
        corrupt: 0,
        note: `syncs=${syncs} of ${budget}, written=${amplification.toFixed(2)}x`,
      });
      assert.ok((closed ?? 0) >= 4);
      assert.ok(syncs > COMMITS && syncs <= budget, `${syncs} syncs`);
      // A file system without a disk beneath it (tmpfs) counts no bytes.
      if (writtenBytes === 0) skipFaultRow('R18', 'bytes: the temporary folder lies on no disk');
      else assert.ok(amplification <= 1.3, `${amplification.toFixed(2)} times`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
