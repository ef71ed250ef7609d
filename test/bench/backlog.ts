import { join } from 'node:path';
import { makeBacklog, runBacklog } from '../lib/backlog.js';
import { atMost } from './judge/mod.js';
import type { BenchRow } from './row.js';

const SEGMENTS = 100_000;
const CAP_BYTES_PER_SECOND = 50_000;

export const backlog: BenchRow = {
  name: 'backlog',
  about:
    'an uploader before a backlog of 100,000 segments and 10 GB (sparse), beside one before an empty spool',
  async run(bench) {
    const folder = await bench.folder('backlog');
    const root = join(folder, 'spool');
    await makeBacklog(join(folder, 'one'), 1);
    const segments = bench.share(SEGMENTS);
    await makeBacklog(root, segments);
    const one = await runBacklog(join(folder, 'one'), { seconds: 2 });
    const all = await runBacklog(root, { seconds: bench.share(8, 3) });
    const capped = await runBacklog(root, { seconds: bench.share(18, 4), cap: CAP_BYTES_PER_SECOND });
    const offPercent = (100 * Math.abs(capped.bytesPerSecond - CAP_BYTES_PER_SECOND)) / CAP_BYTES_PER_SECOND;
    return [
      atMost(150, {
        figure: `backlog of ${segments} segments, RSS`,
        value: all.maxRssBytes / 1e6,
        unit: 'MB',
        detail: { oneSegmentMB: one.maxRssBytes / 1e6, ratio: all.maxRssBytes / one.maxRssBytes },
        digits: 0,
      }),
      atMost(2, {
        figure: `backlog of ${segments} segments, process start to first put`,
        value: all.firstPutMs / 1000,
        unit: 's',
        detail: { oneSegmentSeconds: one.firstPutMs / 1000, ratio: all.firstPutMs / one.firstPutMs },
      }),
      atMost(5, {
        figure: 'backlog, bandwidth off its cap',
        value: offPercent,
        unit: '%',
        detail: { capBytesPerSecond: CAP_BYTES_PER_SECOND, bytesPerSecond: capped.bytesPerSecond },
      }),
    ];
  },
};
