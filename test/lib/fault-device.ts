import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { topics } from '../../src/contract/mod.js';
import { spoolFolders } from '../../src/capture/mod.js';
import { silentLogger, type JsonObject } from '../../src/core/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import type { DeviceCredentials, Profile } from '../../src/local/nucleus/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { AGENT, AgentBench } from './agent-process.js';
import { ComponentProcess } from './component-process.js';
import { writeTestPackage } from './model-hosts.js';
import { recordsIn, type Delivered } from './oracle.js';
import { startTestS3, TEST_BUCKET, TEST_CREDENTIALS, type TestS3 } from './s3.js';
import { shippedComponents } from './shipped.js';
import { testRecord } from './spool-fixture.js';
import { openDiskSpool } from './spools.js';
import { identityPackage } from './test-models.js';

const UPLOADER = 'org.edgemanager.CaptureUploader';
const TOKEN_EXCHANGE = 'aws.greengrass.TokenExchangeService';
const UPLOADER_ACCESS: JsonObject = {
  'aws.greengrass.ipc.pubsub': {
    hear: { operations: ['aws.greengrass#SubscribeToTopic'], resources: [topics.spoolClosed] },
    tell: { operations: ['aws.greengrass#PublishToTopic'], resources: [topics.spoolResult] },
  },
};
export const MODEL = 'Identity';
/** What the agent's and the uploader's log say once they do their work. */
export const CONNECTED = '"Agent connected"';
export const UPLOADING = '"Uploading captures"';

/** The scripts that do the work of both components. */
export interface Programs {
  readonly agent: string;
  readonly uploader: string;
}

/** What lies between the uploader and its store; absent parts: the store itself, with keys that never expire. */
export interface StoreAccess {
  /** Over the uploader's configuration. */
  readonly configuration: JsonObject;
  /** Beside what the nucleus gives the uploader. */
  readonly environment: Readonly<Record<string, string>>;
  readonly credentials: () => Promise<DeviceCredentials>;
}

export interface FaultDeviceOptions {
  /** Default: nucleus. */
  readonly profile?: Profile;
  /** Default: one of the device's own. */
  readonly s3?: TestS3;
  readonly access?: StoreAccess;
  /** The agent's configuration beside `fleet` and `capture`. */
  readonly agent?: JsonObject;
  /** The agent's `capture` configuration, over one that closes segments often. */
  readonly capture?: JsonObject;
  /** What a device of before left, for `restoreDevice`. */
  readonly left?: string;
}

/**
 * The control process and the uploader as they are shipped (bundled), on a local nucleus, with a store and the
 * model `Identity` (y = x). They are started here rather than by nucleus and launcher: those hold back what dies
 * often, and a test that kills a hundred times would wait for them.
 */
export class FaultDevice implements AsyncDisposable {
  readonly bench: AgentBench;
  readonly s3: TestS3;
  readonly bucket = TEST_BUCKET;
  /** Those of this checkout. */
  readonly shipped: Programs;
  readonly #uploader: Readonly<Record<string, string>>;

  private constructor(
    bench: AgentBench,
    s3: TestS3,
    shipped: string,
    uploader: Readonly<Record<string, string>>,
  ) {
    this.bench = bench;
    this.s3 = s3;
    this.shipped = {
      agent: join(shipped, AGENT, 'control.js'),
      uploader: join(shipped, UPLOADER, 'upload.js'),
    };
    this.#uploader = uploader;
  }

  static async create({
    capture = {},
    left,
    s3: given,
    access,
    agent,
    profile = 'nucleus',
  }: FaultDeviceOptions = {}): Promise<FaultDevice> {
    const s3 = given ?? (await startTestS3());
    const forever = async () => ({ ...TEST_CREDENTIALS, expiration: new Date('2099-01-01') });
    const bench = await AgentBench.create({
      profile,
      configuration: {
        ...agent,
        fleet: 'faults',
        capture: { pushPeriodSeconds: 0.1, embedLimit: 64, ...capture },
      },
      credentials: access?.credentials ?? forever,
    });
    const { environment } = bench.nucleus.registerExternal(UPLOADER, {
      accessControl: UPLOADER_ACCESS,
      BucketName: TEST_BUCKET,
      endpoint: s3.s3.endpoint,
      startSpreadSeconds: 0,
      scanPeriodSeconds: 1,
      ...access?.configuration,
    });
    const device = new FaultDevice(bench, s3, await shippedComponents(), {
      ...environment,
      ...access?.environment,
    });
    await mkdir(device.#workFolder(UPLOADER), { recursive: true });
    if (left !== undefined) await restoreDevice(left, bench.root);
    return device;
  }

  /** @param environment beside what the nucleus gives it */
  startAgent({ agent } = this.shipped, environment: Readonly<Record<string, string>> = {}): ComponentProcess {
    return new ComponentProcess(agent, { ...this.bench.environment, ...environment }, this.bench.workFolder);
  }

  startUploader({ uploader } = this.shipped): ComponentProcess {
    return new ComponentProcess(uploader, this.#uploader, this.#workFolder(UPLOADER));
  }

  /** Changes the uploader's configuration as a deployment does, while it runs. */
  async configureUploader(change: JsonObject): Promise<void> {
    await using port = await connectGreengrass({
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      environment: { ...this.#uploader },
    });
    await port.updateConfiguration([], change);
  }

  /** The token exchange of nucleus lite in a process of its own, as there: it listens on a new port, and tells the nucleus. */
  startExchange(keyName: string): ComponentProcess {
    const { environment } = this.bench.nucleus.registerExternal(TOKEN_EXCHANGE, {});
    const script = fileURLToPath(new URL('./exchange-process.js', import.meta.url));
    return new ComponentProcess(script, environment, this.#workFolder(UPLOADER), [keyName]);
  }

  /** Admits the model; an agent must be connected. */
  async installModel({ version = '1.0.0' } = {}): Promise<void> {
    const folder = await writeTestPackage(this.bench.root, { ...identityPackage(MODEL), version });
    const { code, output } = await this.bench.register(folder, `org.edgemanager.model.${MODEL}`);
    if (code !== 0) throw new Error(`Cannot install the model: ${output}`);
  }

  /** Puts records into the spool as an agent of before would have left them. */
  async queueRecords(count: number, from = 0): Promise<void> {
    await using spool = await openDiskSpool(join(this.bench.workFolder, 'spool'), { segmentBytes: 100_000 });
    await Promise.all(Array.from({ length: count }, (_, index) => spool.append(testRecord(from + index))));
  }

  /** True where no segment waits: all went out, and the agent has deleted them. */
  async isDrained(): Promise<boolean> {
    const { open, closed } = spoolFolders(join(this.bench.workFolder, 'spool'));
    const left = await Promise.all([readdir(open), readdir(closed)]);
    return left.flat().length === 0;
  }

  /** All records in the store, whole. */
  async delivered(): Promise<Delivered[]> {
    const { s3 } = this.s3;
    const read = s3.objects(TEST_BUCKET).map(async ({ key }) => ({
      key,
      bytes: await readFile(s3.path(TEST_BUCKET, key)),
    }));
    return recordsIn(await Promise.all(read));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
    await this.s3[Symbol.asyncDispose]();
  }

  #workFolder(component: string): string {
    return join(this.bench.root, 'work', component);
  }
}

/** Copies kept work folders and artifacts to `root`: where a file of them says {{root}}, that is what it means. */
async function restoreDevice(kept: string, root: string): Promise<void> {
  for (const name of ['work', 'artifacts']) {
    await cp(join(kept, name), join(root, name), { recursive: true });
    for (const entry of await readdir(join(root, name), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const text = await readFile(path, 'latin1');
      if (text.includes('{{root}}')) await writeFile(path, text.replaceAll('{{root}}', root), 'latin1');
    }
  }
}
