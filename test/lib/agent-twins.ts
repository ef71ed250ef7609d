import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelEvent, type RequestOf, topics } from '../../src/contract/mod.js';
import { openSpool } from '../../src/capture/mod.js';
import { connect, EdgeManagerClient } from '../../src/client/mod.js';
import { Ends } from '../../src/component/worker/ends.js';
import { silentLogger, type Clock, type JsonObject, type Logger } from '../../src/core/mod.js';
import { MemoryDisk, nodeFiles, type Disk, type DurableFiles } from '../../src/disk/mod.js';
import { nextTurn, systemClock, systemRandom } from '../../src/system/mod.js';
import {
  createRequester,
  createResponder,
  decodeMessage,
  MemoryBroker,
  type MemoryGreengrass,
  type Requester,
} from '../../src/ipc/mod.js';
import { completeManifest, writePackage, type Manifest, type NewFile } from '../../src/model/mod.js';
import {
  Agent,
  KnownClients,
  linkGreengrass,
  OwnersLog,
  type AgentDependencies,
  type GreengrassLink,
} from '../../src/runtime/agent/mod.js';
import { Endpoint } from '../../src/runtime/endpoint/mod.js';
import { openConfiguration } from '../../src/runtime/config/mod.js';
import {
  createMemoryModelHosts,
  type MemoryHostScript,
  type MemoryModelHosts,
} from '../../src/runtime/host/mod.js';
import { PackageStore, type Packages } from '../../src/runtime/packages/mod.js';
import type { LoadSpec } from '../../src/runtime/host/port/mod.js';
import { rebuildRegistry, Registry } from '../../src/runtime/registry/mod.js';
import { trustedKeysOf } from '../../src/runtime/process/trusted-keys.js';
import { Scheduler } from '../../src/runtime/schedule/mod.js';
import type { ClientWay } from './client-ways.js';
import { until } from './until.js';

export interface TwinOptions {
  readonly configuration?: JsonObject;
  readonly script?: (spec: LoadSpec) => MemoryHostScript;
  /** Where the spool lies; default: in memory. */
  readonly disk?: Disk;
  /** Of former twins, to start anew on; default: a new one, which disposing removes. */
  readonly folder?: string;
  /** Where exchange folders may be, by the configured place; default: in the twins' folder. */
  readonly exchangeRoots?: (wanted: string) => readonly string[];
  /** Default: the configured ones. */
  readonly trustedKeys?: () => Promise<readonly string[]>;
  readonly logger?: Logger;
  /** Of the agent and of those who ask it; default: the machine's own. */
  readonly clock?: Clock;
  /** Where registry and package copies are; default: the machine's disk. */
  readonly memory?: { readonly files: DurableFiles; readonly packages?: Packages };
}

/** The whole agent in this process: hosts, broker and spool in memory, packages and registry on disk. */
export class AgentTwins implements AsyncDisposable {
  readonly folder: string;
  readonly #options: TwinOptions;
  readonly broker = new MemoryBroker();
  readonly events: ModelEvent[] = [];
  declare greengrass: MemoryGreengrass;
  declare hosts: MemoryModelHosts;
  declare agent: Agent;
  declare dependencies: AgentDependencies;
  declare clients: KnownClients;
  declare link: GreengrassLink & { close(): Promise<void> };
  /** Open where the configuration has one. */
  declare endpoint: Endpoint;
  declare requester: Requester;

  private constructor(folder: string, options: TwinOptions) {
    this.folder = folder;
    this.#options = options;
  }

  static async create(options: TwinOptions = {}): Promise<AgentTwins> {
    const twins = new AgentTwins(options.folder ?? (await mkdtemp(join(tmpdir(), 'edge-agent-'))), options);
    await twins.start();
    return twins;
  }

  async start(): Promise<void> {
    const clock = this.#clock;
    const random = systemRandom;
    const logger = this.#options.logger ?? silentLogger;
    const work = join(this.folder, 'work');
    const machine = {
      thingName: 'thing-1',
      platform: 'linux-x64',
      memoryBytes: 2_000_000_000,
      cores: 2,
      uid: process.getuid?.(),
      workFolder: work,
      exchangeRoots: this.#options.exchangeRoots ?? (() => [join(this.folder, 'exchange')]),
      controlStarts: 1,
      clockSynchronised: () => true,
    };
    const configuration = await openConfiguration({
      file: join(work, 'configuration.json'),
      files: nodeFiles,
      clock,
      logger,
    });
    const quotaBytes = (): number => configuration.current.packageQuotaMb * 1024 * 1024;
    const {
      files = nodeFiles,
      packages = new PackageStore({ root: join(work, 'packages'), quotaBytes, random, logger }),
    } = this.#options.memory ?? {};
    const registry = await Registry.open({
      file: join(work, 'registry.json'),
      files,
      logger,
      rebuild: async () => rebuildRegistry(await packages.list()),
    });
    const disk = this.#options.disk ?? new MemoryDisk();
    const capture = await openSpool({
      root: join(this.folder, 'spool'),
      layout: {
        prefix: 'p',
        fleet: 'f',
        device: 'd',
        batchSize: 10,
        embedLimitBytes: 3072,
        referenceBase: '',
      },
      disk,
      clock,
      random,
      turn: nextTurn,
      log: logger,
      boot: { bootId: 'boot', monotonicMs: () => clock.monotonicMs() },
    });
    this.hosts = createMemoryModelHosts(clock, this.#options.script ?? (() => ({})));
    this.dependencies = {
      clock,
      random,
      logger,
      configuration,
      registry,
      packages,
      hosts: this.hosts,
      capture,
      captureOwners: await OwnersLog.open({ disk, folder: join(this.folder, 'capture-owners'), logger }),
      machine,
      trustedKeys: this.#options.trustedKeys ?? trustedKeysOf(configuration),
    };
    await mkdir(work, { recursive: true, mode: 0o700 });
    const scheduler = new Scheduler(clock, () => ({
      concurrency: configuration.current.queue.concurrency,
      capacity: configuration.current.queue.limit,
    }));
    this.agent = await Agent.open(this.dependencies, scheduler);
    this.greengrass = this.broker.connect(this.#options.configuration ?? {});
    const { greengrass, agent } = this;
    const ends = new Ends();
    const file = join(work, 'clients.json');
    this.clients = await KnownClients.open({ file, files: nodeFiles, clock, logger });
    const { clients } = this;
    const linked = await linkGreengrass(
      { greengrass, agent, configuration, capture, clients, clock, logger },
      ends.add,
    );
    this.link = { ...linked, close: async () => await ends.close() };
    this.endpoint = await Endpoint.open({
      ...this.dependencies,
      defaultPath: this.endpointPath,
      responder: await createResponder({
        transport: new MemoryBroker().connect(),
        handlers: agent.handlers,
        clock,
        logger,
      }),
      onGone: (client) => void agent.bye(client),
    });
    const transport = this.broker.connect();
    await transport.subscribe(topics.modelEvents, ({ payload }) => {
      this.events.push(decodeMessage(payload, 'Cannot read the event') as ModelEvent);
    });
    this.requester = await createRequester({
      transport,
      component: 'com.example.App',
      clock,
      random,
      logger,
    });
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  async stop(graceMs = 1000): Promise<void> {
    await this.link.close();
    await this.agent.stop(graceMs);
    await this.endpoint.close();
    await this.clients.close();
    await this.link.flushed();
    await this.requester.close();
  }

  get endpointPath(): string {
    return join(this.folder, 'work', 'endpoint.sock');
  }

  /** A client of its own, as a local app has it. */
  async app(component = 'com.example.App', way: ClientWay = 'Greengrass IPC'): Promise<EdgeManagerClient> {
    if (way === 'the local endpoint') {
      return (await connect({ endpoint: this.endpointPath, name: component })).client;
    }
    return await EdgeManagerClient.open({
      transport: this.broker.connect(),
      component,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      uid: process.getuid?.(),
    });
  }

  /** A package folder whose behaviour the script decides. */
  async package(
    version: string,
    name = 'Model',
    {
      paddingBytes = 0,
      weightsBytes,
      ...more
    }: Partial<Manifest> & { paddingBytes?: number; weightsBytes?: number } = {},
  ): Promise<string> {
    const folder = join(this.folder, 'artifacts', `${name}-${version}`);
    await mkdir(join(this.folder, 'artifacts'), { recursive: true });
    const files: NewFile[] = [
      ...(weightsBytes === undefined
        ? []
        : [{ path: 'weights-1.bin', role: 'weights' as const, bytes: new Uint8Array(weightsBytes) }]),
      {
        path: 'model.onnx',
        role: 'model' as const,
        bytes: new TextEncoder().encode(`${name} ${version}${' '.repeat(paddingBytes)}`),
      },
    ];
    const tensor = { datatype: 'FP32', shape: ['n'] } as const;
    const manifest = completeManifest(
      {
        formatVersion: 1,
        name,
        version,
        componentName: `org.edgemanager.model.${name}`,
        target: 'any',
        minimumRuntimeVersion: '0.1.0',
        model: { file: 'model.onnx', irVersion: 8, opset: 17, domains: [{ domain: 'ai.onnx', version: 17 }] },
        inputs: [{ name: 'x', ...tensor, shape: ['n'] }],
        outputs: [{ name: 'y', ...tensor, shape: ['n'] }],
        selfTest: { outcome: 'skipped' },
        ...more,
      },
      files,
    );
    await writePackage(folder, manifest, files, systemRandom);
    return folder;
  }

  async register(path: string, name = 'Model') {
    const component = `org.edgemanager.model.${name}`;
    return await this.registerAs(component, { component, path });
  }

  /** Registers in the name of a component, as its own startup step does. */
  async registerAs(caller: string, body: RequestOf<'register'>) {
    const requester = await createRequester({
      transport: this.broker.connect(),
      component: caller,
      clock: this.#clock,
      random: systemRandom,
      logger: silentLogger,
    });
    try {
      return await requester.request('register', body, { timeoutMs: 60_000 });
    } finally {
      await requester.close();
    }
  }

  /** Resolves when an event of this type was published. */
  async event(type: ModelEvent['type']): Promise<ModelEvent> {
    await until(() => this.events.some((event) => event.type === type), `the event ${type} comes`);
    const found = this.events.find((event) => event.type === type);
    if (found === undefined) throw new Error('The event has gone');
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // What the agent writes at its leisure, such as a registry without an old version, may still come.
    if (this.#options.folder === undefined)
      await rm(this.folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }
}
