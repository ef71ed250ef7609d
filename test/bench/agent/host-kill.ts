import { quantile } from '../../../examples/floors/mod.js';
import { atMost } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { imageInputs, speechInputs } from './inputs.js';
import type { App } from './rig.js';

const KILLS = 5;
const WATCH_SECONDS = 3;

export const hostKill: BenchRow = {
  name: 'host-kill',
  about: `SIGKILL to a model's host under load, ${KILLS} times, while another model serves`,
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    const { name, version } = await rig.install('PaddleOcrCls');
    const [app, other] = await Promise.all([rig.startApp(), rig.startApp()]);
    const againMs: number[] = [];
    const failedOfOther: number[] = [];
    const lost: number[] = [];
    const kills = bench.share(KILLS);
    for (let kill = 0; kill < kills; kill++) {
      // Loaded anew, its host is the one that was not there before.
      await rig.admin.unload({ name });
      const before = new Set(rig.hosts());
      await rig.admin.load({ name, version });
      const host = rig.hosts().find((pid) => !before.has(pid)) ?? 0;
      await app.ask({ kind: 'predict', model: 'PaddleOcrCls', inputs: clsInputs(), count: 3 });
      const streams = [stream(app, 'PaddleOcrCls', clsInputs()), stream(other, 'SileroVad', speechInputs())];
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const killedAtMs = performance.timeOrigin + performance.now();
      process.kill(host, 'SIGKILL');
      const [own, others] = await Promise.all(streams);
      againMs.push(firstAnswerAfter(killedAtMs, own) - killedAtMs);
      lost.push(failed(own));
      failedOfOther.push(failed(others));
    }
    await Promise.all([app.close(), other.close()]);
    return [
      atMost(1000, {
        figure: 'serving again after its host was killed under load, slowest',
        value: Math.max(...againMs),
        unit: 'ms',
        detail: { p50Ms: quantile(againMs, 0.5), kills, lostOfItsOwn: sum(lost) },
      }),
      atMost(0, {
        figure: "other model's lost requests",
        value: sum(failedOfOther),
        unit: 'requests',
        detail: { requests: kills * WATCH_SECONDS * 50 },
      }),
    ];
  },
};

function clsInputs(): ReturnType<typeof imageInputs> {
  return imageInputs(48);
}

type Answer = Awaited<ReturnType<App['ask']>>;

/** 50 requests a second for three seconds. */
function stream(app: App, model: string, inputs: ReturnType<typeof imageInputs>): Promise<Answer> {
  const count = WATCH_SECONDS * 50;
  return app.ask({ kind: 'predict', model, inputs, count, intervalMs: 20, concurrency: 8, capture: 'never' });
}

/** The earliest answer to a request that was sent after the kill. */
function firstAnswerAfter(killedAtMs: number, { sentAtMs, samplesMs }: Answer | undefined = EMPTY): number {
  const answered = sentAtMs.flatMap((sent, index) =>
    sent > killedAtMs ? [sent + (samplesMs[index] ?? 0)] : [],
  );
  // Where none was answered, it took longer than was watched.
  return Math.min(killedAtMs + WATCH_SECONDS * 1000, ...answered);
}

function failed({ failures }: Answer | undefined = EMPTY): number {
  return Object.values(failures).flat().length;
}

const EMPTY: Answer = { samplesMs: [], sentAtMs: [], failures: {}, elapsedMs: 0, versions: [] };

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
