import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeManagerClient, type Prediction } from '../../../src/client/mod.js';
import { ManualClock, silentLogger } from '../../../src/core/mod.js';
import { systemRandom } from '../../../src/system/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

const KILLS = longRun() ? 40 : 4;
const AT_ONCE = 3;
const COMPONENT = 'com.example.App';

/** The shipped agent below its launcher, and an app whose clock stands still: it sends nothing again by itself. */
class Kills implements AsyncDisposable {
  readonly bench: AgentBench;
  readonly #client: EdgeManagerClient;

  private constructor(bench: AgentBench, client: EdgeManagerClient) {
    this.bench = bench;
    this.#client = client;
  }

  static async start(): Promise<Kills> {
    const bench = await AgentBench.create();
    await bench.start();
    const folder = await writeTestPackage(bench.root, identityPackage());
    assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
    const client = await EdgeManagerClient.open({
      transport: await bench.connect(COMPONENT),
      component: COMPONENT,
      clock: new ManualClock(),
      random: systemRandom,
      logger: silentLogger,
    });
    const kills = new Kills(bench, client);
    await kills.ask();
    await until(
      async () => (await readFile(kills.known, 'utf8').catch(() => '')).includes(COMPONENT),
      'the agent has noted who asks',
    );
    return kills;
  }

  /** Where the agent notes who asks. */
  get known(): string {
    return join(this.bench.workFolder, 'clients.json');
  }

  /** How often an agent has connected. */
  get connections(): number {
    return this.bench.log.split('"Agent connected"').length - 1;
  }

  async ask(): Promise<Prediction> {
    return await this.#client.predict('Identity', [floats('x', [3])], { timeoutMs: 60_000 });
  }

  async killControl(): Promise<void> {
    process.kill(await this.bench.controlPid(), 'SIGKILL');
  }

  /** Resolves when the former control process hears no more, and a new launcher is on its way. */
  async killLauncher(): Promise<void> {
    const begun = this.bench.log.length;
    await this.bench.stop('SIGKILL');
    this.bench.spawn('main');
    await until(() => this.bench.log.slice(begun).includes('"Agent stopping"'), 'the former one has stopped');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.bench[Symbol.asyncDispose]();
  }
}

describe('R21: kill -9 of the agent', function () {
  this.timeout(600_000);

  it('costs callers nothing but its new start: it tells them, and they wait for no pause of their own', async () => {
    await using kills = await Kills.start();
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = kills.connections;
      await (kill % 2 === 0 ? kills.killLauncher() : kills.killControl());
      let answered = 0;
      const asking = Array.from({ length: AT_ONCE }, async () => {
        await kills.ask();
        answered++;
      });
      await until(
        () => kills.connections > before && answered === AT_ONCE,
        'the new agent has answered',
        60_000,
      );
      await Promise.all(asking);
    }
    const note = `${KILLS} kills -9, ${KILLS * AT_ONCE} requests answered while the app's clock stood still`;
    reportFaultRow({ row: 'R21', cycles: KILLS, lost: 0, duplicated: 0, corrupt: 0, note });
  });

  it('is caught where the agent does not know whom to tell', async () => {
    await using kills = await Kills.start();
    await rm(kills.known);
    const before = kills.connections;
    await kills.killControl();
    let isAnswered = false;
    kills.ask().then(
      () => (isAnswered = true),
      // The client is closed at last.
      () => undefined,
    );
    await until(() => kills.connections > before, 'the new agent is there');
    const other = await kills.bench.app('com.example.Other');
    assert.equal((await other.listModels({ timeoutMs: 60_000 })).length, 1);
    assert.equal(isAnswered, false, 'it waits until its patience is over');
    reportFaultRow({
      row: 'R21',
      cycles: 1,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: 'mutant silent caught',
    });
  });
});
