import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verdictOf } from '../../../deploy/rollout/health.js';
import type { HeartbeatReport } from '../../../src/contract/mod.js';
import { deferred } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../../src/telemetry/mod.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { MemoryPackages } from '../../lib/memory-packages.js';
import { heldBytes, printSizes, type Sizes } from '../../lib/sizes.js';

const UPDATES = 10_000;
const MEASURED = [10, 100, 1000, 10_000].filter((update) => update <= UPDATES);
const versionOf = (update: number): string => `1.0.${100_000 + update}`;
const modelDigestOf = (version: string): string => createHash('sha256').update(version).digest('hex');
class Device implements AsyncDisposable {
  readonly #twins: AgentTwins;
  readonly #memory: { readonly files: ReturnType<typeof memoryFiles>; readonly packages: MemoryPackages };
  readonly #artifact: string;
  readonly #manifest: string;
  #judged: (() => void) | undefined;

  private constructor(
    twins: AgentTwins,
    memory: { readonly files: ReturnType<typeof memoryFiles>; readonly packages: MemoryPackages },
    artifact: { readonly folder: string; readonly manifest: string },
  ) {
    this.#twins = twins;
    this.#memory = memory;
    this.#artifact = artifact.folder;
    this.#manifest = artifact.manifest;
    twins.agent.events.onModel(({ type }) => {
      if (type === 'PROBATION_PASSED' || type === 'ROLLED_BACK') this.#judged?.();
    });
  }

  static async create(isBad: (version: string) => boolean): Promise<Device> {
    const memory = { files: memoryFiles(), packages: new MemoryPackages() };
    const twins = await AgentTwins.create({
      memory,
      configuration: { probation: { durationSeconds: 0, requests: 1, minimumRequests: 1 } },
      script: ({ key }) => ({ run: () => ({ nonFinite: isBad(key.replace('Model@', '')) }) }),
    });
    const folder = await twins.package('1.0.0');
    const manifest = await readFile(join(folder, 'manifest.json'), 'utf8');
    return new Device(twins, memory, { folder, manifest });
  }

  /** A new version of the same component comes, is asked once, and its probation ends. */
  async update(version: string): Promise<void> {
    const twins = this.#twins;
    twins.events.length = 0;
    const manifest = this.#manifest
      .replace('"version": "1.0.0"', `"version": "${version}"`)
      .replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${modelDigestOf(version)}"`);
    await writeFile(join(this.#artifact, 'manifest.json'), manifest);
    const judged = deferred<void>();
    this.#judged = () => judged.resolve();
    await twins.register(this.#artifact);
    await predict(twins);
    if (twins.dependencies.registry.state.models['Model']?.labels['previous'] !== undefined)
      await judged.promise;
    await twins.agent.manager.settled();
  }

  heartbeat(): HeartbeatReport {
    return heartbeatReport(this.#twins.agent.heartbeat.collect(), 1_800_000_000_000, 60);
  }

  sizes(update: number): Sizes {
    const { files, packages } = this.#memory;
    const sum = [...files.content.values()].reduce((bytes, file) => bytes + file.length, 0);
    return {
      update,
      registryBytes: sum,
      summaryChars: this.heartbeat().summary.length,
      heartbeatBytes: heartbeatPayload(this.heartbeat()).length,
      versions: this.heartbeat().models.length,
      ...this.#twins.agent.held,
      loaded: this.#twins.hosts.loaded.length,
      packages: packages.size,
      heldKb: Math.round(heldBytes() / 1024),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#twins[Symbol.asyncDispose]();
  }
}

describe('A1, A3: ten thousand updates of one model', () => {
  it('leave on the device what ten left', async () => {
    await using device = await Device.create(() => false);
    const measured: Sizes[] = [];
    for (let update = 1; update <= UPDATES; update++) {
      const version = versionOf(update);
      await device.update(version);
      const { summary } = device.heartbeat();
      assert.equal(verdictOf(summary, [`Model@${version}`]), 'serving', summary);
      if (MEASURED.includes(update)) measured.push(device.sizes(update));
    }
    printSizes('updates of one model, all of them good', measured);
    holdTheSame(measured);
  });

  it('of which two in five are taken back leave what sixty left, and no gate passes on one of those', async () => {
    const isBad = (version: string): boolean => Number(version.slice(-1)) % 3 === 0;
    await using device = await Device.create(isBad);
    const measured: Sizes[] = [];
    const bad: string[] = [];
    for (let update = 1; update <= 400; update++) {
      const version = versionOf(update);
      await device.update(version);
      const { summary } = device.heartbeat();
      if (isBad(version)) bad.push(version);
      const verdict = isBad(version) ? 'unhealthy' : 'serving';
      assert.equal(verdictOf(summary, [`Model@${version}`]), verdict, summary);
      for (const former of bad) assert.notEqual(verdictOf(summary, [`Model@${former}`]), 'serving', summary);
      if ([60, 100, 400].includes(update)) measured.push(device.sizes(update));
    }
    printSizes('updates of one model, two in five of them bad', measured);
    holdTheSame(measured);
  });
});

/**
 * Nothing grows from the first measurement on. Latencies have more or fewer digits; V8 keeps some spare room, and what
 * it compiles meanwhile, so what is held is compared from the second one on.
 */
function holdTheSame([first, ...later]: readonly Sizes[]): void {
  const [warm] = later;
  for (const sizes of later) {
    for (const [what, size] of Object.entries(sizes)) {
      const slack =
        what === 'update' ? Infinity : what === 'heldKb' ? 4096 : what === 'heartbeatBytes' ? 64 : 0;
      const before = (what === 'heldKb' ? warm : first)?.[what] ?? 0;
      assert.ok(size <= before + slack, `${what} was ${before} and is ${size} after ${sizes.update} updates`);
    }
  }
}
