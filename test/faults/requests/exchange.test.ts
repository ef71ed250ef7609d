import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { REASONS, type Reason } from '../../../src/contract/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { until } from '../../lib/until.js';
import { tried, type Outcome, type Request } from '../../lib/exchange-app.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage, type TestPackage } from '../../lib/model-hosts.js';
import { fillDisk, mountMissing, mountTmpfs, unmount } from '../../lib/mounts.js';
import { identityModel, node, onnxModel, rawTensor, tensorAttribute } from '../../lib/onnx-builder.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../lib/exchange-app.js', import.meta.url));
const PAGE_BYTES = 4096;
const ALL: readonly Request[] = ['small', 'large', 'wide', 'capture', 'small'];

const DISK_MIB = 2;
const FILLER = 'filler';
const ACCESS = { 'aws.greengrass.ipc.pubsub': { 'app:pubsub:1': { operations: ['*'], resources: ['*'] } } };

/** What a container of docs/devices/containers.md sees, and what one without its mounts does. */
const NAMESPACES = [
  {
    what: 'in a mount namespace that has another folder there gets one sentence',
    unshare: ['--mount'],
    before: 'mount -t tmpfs tmpfs "$DISK" &&',
    reasons: 'EXCHANGE_FOLDER_UNSEEN',
  },
  {
    what: 'in a mount namespace that has the folder read-only gets one sentence',
    unshare: ['--mount'],
    before: 'mount --bind "$DISK" "$DISK" && mount -o remount,bind,ro "$DISK" &&',
    reasons: 'EXCHANGE_FOLDER_READ_ONLY',
  },
  {
    what: 'in a mount namespace that has the folder mounted gets answers',
    unshare: ['--mount'],
    before: 'mount --bind "$DISK" "$DISK" &&',
    reasons: 'ok',
  },
  {
    what: 'in a user and mount namespace that has the folder mounted gets answers',
    unshare: ['--user', '--map-root-user', '--mount'],
    before: 'mount --bind "$DISK" "$DISK" &&',
    reasons: 'ok',
  },
  {
    what: 'in a user namespace that maps it to somebody else gets one sentence',
    unshare: ['--user'],
    before: '',
    reasons: 'USER_DIFFERS',
  },
] as const;

const x = (name: string) => ({ name, datatype: 'FP32', shape: ['n'] }) as const;
const ECHO: TestPackage = {
  name: 'Echo',
  model: identityModel('FP32', ['n']),
  inputs: [{ ...x('x'), shape: ['n'] }],
  outputs: [{ ...x('y'), shape: ['n'] }],
};
const SIZE = { name: 'size', datatype: 'INT64' } as const;
const WIDE: TestPackage = {
  name: 'Wide',
  model: onnxModel({
    inputs: [{ ...SIZE, shape: [1] }],
    outputs: [x('y')],
    nodes: [
      node(
        'ConstantOfShape',
        ['size'],
        ['y'],
        [tensorAttribute('value', rawTensor('v', 'FP32', [1], Float32Array.of(1)))],
      ),
    ],
  }),
  inputs: [{ ...SIZE, shape: [1] }],
  outputs: [{ ...x('y'), shape: ['n'] }],
};

const reasonsOf = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ reason }) => reason);

/** A real agent whose exchange folder is a small disk of its own. */
class ExchangeBench implements AsyncDisposable {
  readonly bench: AgentBench;
  readonly disk: string;
  /** Requests so far, each with one reply or one sentence. */
  tried = 0;

  private constructor(bench: AgentBench, disk: string) {
    this.bench = bench;
    this.disk = disk;
  }

  static async create(): Promise<ExchangeBench> {
    const disk = mkdtempSync(join(tmpdir(), 'edge-exchange-'));
    mountTmpfs(disk, DISK_MIB);
    const bench = await AgentBench.create({ configuration: { exchangeFolder: disk } });
    const exchange = new ExchangeBench(bench, disk);
    await exchange.start();
    for (const one of [ECHO, WIDE]) {
      const folder = await writeTestPackage(bench.root, one);
      assert.equal((await bench.register(folder, `org.edgemanager.model.${one.name}`)).code, 0);
    }
    return exchange;
  }

  async start(): Promise<void> {
    this.bench.log = '';
    await this.bench.start();
  }

  /** One request after the other; a sentence must name what is wrong and what to do, and no trace of ours. */
  async outcomes(client: EdgeManagerClient, ...requests: readonly Request[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(await tried(client, request));
    return this.#judged(outcomes, requests);
  }

  /** As {@link outcomes}, by an app whose process starts in namespaces of its own. */
  async isolated(component: string, unshare: readonly string[], before: string): Promise<Outcome[]> {
    const { environment } = this.bench.nucleus.registerExternal(component, { accessControl: ACCESS });
    const script = `${before} exec "$0" "$@"`;
    const app = [process.execPath, PROGRAM, component, ...ALL];
    const { stdout } = await run('unshare', [...unshare, 'sh', '-c', script, ...app], {
      env: { PATH: process.env['PATH'] ?? '', DISK: this.disk, ...environment },
    });
    return this.#judged(JSON.parse(stdout) as Outcome[], ALL);
  }

  /** Files that apps have laid and not removed. */
  get left(): string[] {
    return readdirSync(this.disk, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== FILLER)
      .map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
    unmount(this.disk);
    rmSync(this.disk, { recursive: true });
  }

  #judged(outcomes: Outcome[], requests: readonly Request[]): Outcome[] {
    assert.equal(outcomes.length, requests.length);
    for (const { reason, sentence } of outcomes) {
      if (reason === 'ok') continue;
      assert.match(sentence, /^Cannot [^\n]+$/);
      assert.ok(reason in REASONS && REASONS[reason as Reason] !== reason, `${reason}: ${sentence}`);
    }
    this.tried += outcomes.length;
    return outcomes;
  }
}

async function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return await attempt.then(
    () => true,
    () => false,
  );
}

describe('faults: the exchange folder', function () {
  let exchange: ExchangeBench;
  let missing: string | undefined;

  before(async () => {
    missing = mountMissing('mount', 'unshare') ?? namespaceMissing();
    if (missing === undefined) exchange = await ExchangeBench.create();
  });
  beforeEach(function () {
    if (missing === undefined) return;
    skipFaultRow('R25', missing);
    this.skip();
  });
  after(async () => {
    if (missing === undefined) await exchange[Symbol.asyncDispose]();
  });

  function report(cycles: number, note: string): void {
    const { left } = exchange;
    reportFaultRow({ row: 'R25', cycles, lost: 0, duplicated: 0, corrupt: left.length, note });
    assert.deepEqual(left, [], 'no file is left');
  }

  it('R25: that is full refuses what does not fit, in one sentence, and takes the next request', async () => {
    const filler = join(exchange.disk, FILLER);
    const begun = exchange.tried;
    let refused = 0;
    const step = longRun() ? 1 : 4;
    for (let pages = 0; pages <= 48; pages += step) {
      // A new one each time: files of one that has predicted already have their room.
      const app = await exchange.bench.app('com.example.Full');
      await app.hello();
      fillDisk(filler);
      truncateSync(filler, Math.max(0, statSync(filler).size - pages * PAGE_BYTES));
      const outcomes = await exchange.outcomes(app, ...ALL);
      assert.deepEqual([outcomes[0]?.reason, outcomes.at(-1)?.reason], ['ok', 'ok']);
      for (const { reason } of outcomes) assert.ok(['ok', 'EXCHANGE_FULL'].includes(reason), reason);
      refused += outcomes.filter(({ reason }) => reason !== 'ok').length;
      rmSync(filler);
      assert.deepEqual(reasonsOf(await exchange.outcomes(app, 'large', 'wide')), ['ok', 'ok']);
      await app.close();
    }
    assert.ok(refused >= 12, `${refused} were refused`);
    report(exchange.tried - begun, `full: ${refused} refused`);
  });

  it('R25: that becomes read-only refuses large tensors, and takes them again once it is not', async () => {
    const begun = exchange.tried;
    const app = await exchange.bench.app('com.example.ReadOnly');
    await app.hello();
    await remount(exchange.disk, 'ro');
    try {
      const outcomes = await exchange.outcomes(app, ...ALL);
      const reason = 'EXCHANGE_FOLDER_READ_ONLY';
      assert.deepEqual(reasonsOf(outcomes), ['ok', reason, reason, reason, 'ok']);
    } finally {
      await remount(exchange.disk, 'rw');
    }
    assert.deepEqual(reasonsOf(await exchange.outcomes(app, ...ALL)), Array(ALL.length).fill('ok'));
    await app.close();
    report(exchange.tried - begun, 'read-only');
  });

  it('R25: that somebody removes is there again for the next request', async () => {
    const app = await exchange.bench.app('com.example.Removed');
    const begun = exchange.tried;
    for (let turn = 0; turn < 5; turn++) {
      assert.deepEqual(reasonsOf(await exchange.outcomes(app, ...ALL)), Array(ALL.length).fill('ok'));
      for (const name of readdirSync(exchange.disk)) rmSync(join(exchange.disk, name), { recursive: true });
    }
    await app.close();
    report(exchange.tried - begun, 'removed');
  });

  for (const { what, unshare, before, reasons } of NAMESPACES) {
    it(`R25: an app ${what}`, async () => {
      const outcomes = await exchange.isolated('com.example.Contained', unshare, before);
      assert.deepEqual(
        reasonsOf(outcomes),
        ALL.map((request) => (request === 'small' ? 'ok' : reasons)),
        JSON.stringify(outcomes),
      );
      report(outcomes.length, what);
    });
  }

  it('R25: that is absent or read-only when the agent starts is another one, and nothing is refused', async () => {
    for (const mode of ['ro', 'absent'] as const) {
      await exchange.bench.stop();
      // The kernel lets go of what a host was held to a moment after its end: until then the removed folder counts as used.
      if (mode === 'ro') await until(() => succeeds(remount(exchange.disk, 'ro')), 'it can be read-only');
      else unmount(exchange.disk);
      if (mode === 'absent') rmdirSync(exchange.disk);
      await exchange.start();
      const app = await exchange.bench.app('com.example.Fallback');
      const { exchangeFolder } = await app.hello();
      assert.equal(dirname(exchangeFolder), join(exchange.bench.workFolder, 'exchange'));
      const outcomes = await exchange.outcomes(app, ...ALL);
      assert.deepEqual(reasonsOf(outcomes), Array(ALL.length).fill('ok'));
      assert.match(exchange.bench.log, /do not go through the wanted exchange folder/);
      await app.close();
      assert.deepEqual(readdirSync(exchangeFolder), []);
      if (mode === 'ro') await remount(exchange.disk, 'rw');
      else mountTmpfs(exchange.disk, DISK_MIB);
      report(outcomes.length, `start ${mode}`);
    }
  });
});

async function remount(disk: string, mode: 'ro' | 'rw'): Promise<void> {
  await run('mount', ['-o', `remount,${mode}`, disk]);
}

function namespaceMissing(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `no namespaces here: ${stderr.trim()}`;
}
