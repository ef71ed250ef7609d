import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** Loaded before the agent's own code: the first SIGUSR2 begins to measure, the next one writes `loop-gap.json`. */
let monitor: IntervalHistogram | undefined;

process.on('SIGUSR2', () => {
  if (monitor === undefined) {
    monitor = monitorEventLoopDelay({ resolution: 1 });
    monitor.enable();
    return;
  }
  monitor.disable();
  const result = { maxMs: monitor.max / 1e6, p99Ms: monitor.percentile(99) / 1e6, count: monitor.count };
  monitor = undefined;
  writeFileSync('loop-gap.json', JSON.stringify(result));
});
