import assert from 'node:assert/strict';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { toEdgeError } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { logPackage } from '../../lib/test-models.js';

const COMPONENT = 'org.edgemanager.model.Log';
const EACH = longRun() ? 1000 : 150;
/** The flood's requests under way at a time. */
const FLOOD = 64;

type Ask = (app: EdgeManagerClient) => Promise<unknown>;

/** What a caller can get wrong, or wrong on purpose. The model gives NaN for negative numbers in both versions. */
const HARM: Readonly<Record<string, Ask>> = {
  'NaN inputs': async (app) => await app.predict('Log', [floats('x', [NaN])]),
  'inputs that no version can take': async (app) => await app.predict('Log', [floats('x', [-1])]),
  'wrong shapes': async (app) => await app.predict('Log', [floats('x', [1, 2, 3])]),
  'wrong names': async (app) => await app.predict('Log', [floats('z', [1])]),
  'deadlines of 1 ms': async (app) => await app.predict('Log', [floats('x', [1])], { timeoutMs: 1 }),
};

/** S8 of the promises: one caller, however wrong or hostile, takes no good version from the others. */
describe('S8: one caller against a good version on probation', () => {
  it(`${EACH} requests of each kind of harm, and a flood: it stays, and two others see no error`, async () => {
    await using bench = await AgentBench.create({
      configuration: { probation: { durationSeconds: 86_000, requests: 1_000_000, minimumRequests: 20 } },
    });
    await bench.start();
    for (const version of ['1.0.0', '2.0.0']) {
      const { code, output } = await bench.register(
        await writeTestPackage(bench.root, { ...logPackage(), version }),
        COMPONENT,
      );
      assert.equal(code, 0, output);
    }
    const honest = [
      new Honest(await bench.app('com.example.First')),
      new Honest(await bench.app('com.example.Second')),
    ];
    const running = honest.map((one) => one.run());
    const hostile = await bench.app('com.example.Hostile');
    const outcomes = new Map<string, number>();
    for (const [what, ask] of Object.entries(HARM))
      for (let count = 0; count < EACH; count++) {
        const answer = await ask(hostile).then(
          () => 'answered',
          (thrown: unknown) => toEdgeError(thrown).reason,
        );
        outcomes.set(`${what}: ${answer}`, (outcomes.get(`${what}: ${answer}`) ?? 0) + 1);
      }
    await flood(hostile);
    for (const one of honest) one.over = true;
    await Promise.all(running);
    const described = await hostile.describeModel({ name: 'Log' });
    const wrong = honest.flatMap((one) => one.wrong);
    const answered = honest.reduce((sum, one) => sum + one.answered, 0);
    console.log(`S8 ${[...outcomes].map(([what, count]) => `${what} ${count}`).join(', ')}`);
    reportFaultRow({
      row: 'S8',
      cycles: EACH * (Object.keys(HARM).length + 1),
      lost: 0,
      duplicated: 0,
      corrupt: wrong.length,
      note: `version ${described.version} ${described.state}; others: ${answered} answered, ${wrong.length} errors`,
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual([described.version, described.state], ['2.0.0', 'PROBATION']);
    const { probation } = described;
    assert.deepEqual([probation?.errors, probation?.nonFinite], [0, 0], 'nothing speaks against it');
    assert.ok((probation?.requests ?? 0) > EACH);
  });
});

async function flood(app: EdgeManagerClient): Promise<void> {
  for (let sent = 0; sent < EACH; sent += FLOOD) {
    await Promise.allSettled(
      Array.from({ length: FLOOD }, async () => await app.predict('Log', [floats('x', [NaN])])),
    );
  }
}

/** One request after another, each with a known answer. */
class Honest {
  readonly #app: EdgeManagerClient;
  readonly wrong: string[] = [];
  answered = 0;
  over = false;

  constructor(app: EdgeManagerClient) {
    this.#app = app;
  }

  async run(): Promise<void> {
    while (!this.over) {
      try {
        const { version } = await this.#app.predict('Log', [floats('x', [1])], { timeoutMs: 30_000 });
        if (version !== '2.0.0') this.wrong.push(`answered by ${version}`);
        this.answered++;
      } catch (thrown) {
        this.wrong.push(toEdgeError(thrown).message);
      }
      await systemClock.sleep(20);
    }
  }
}
