import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type JsonObject } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../src/ipc/mod.js';
import { EdgeManagerClient } from '../../src/client/mod.js';
import {
  folderStore,
  startNucleus,
  type DeviceCredentials,
  type Nucleus,
  type Profile,
} from '../../src/local/nucleus/mod.js';
import { shippedComponents } from './shipped.js';
import { until } from './until.js';

export const AGENT = 'org.edgemanager.AgentRuntime';

/** What the shipped recipe allows the agent. */
const AGENT_ACCESS: JsonObject = {
  'aws.greengrass.ipc.pubsub': {
    'agent:pubsub:1': { operations: ['*'], resources: ['edgemanager/v1/*'] },
  },
};
const APP_ACCESS: JsonObject = {
  'aws.greengrass.ipc.pubsub': {
    'app:pubsub:1': { operations: ['*'], resources: ['*'] },
  },
};

/** The real agent as processes on a local nucleus, with the environment that a lifecycle script gets. */
export class AgentBench implements AsyncDisposable {
  readonly root: string;
  readonly workFolder: string;
  readonly nucleus: Nucleus;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the agent's scripts and native files are, as they are shipped. */
  readonly programs: string;
  readonly #closers: (() => Promise<void>)[] = [];
  agent: ChildProcess | undefined;
  log = '';

  private constructor(
    root: string,
    programs: string,
    nucleus: Nucleus,
    environment: Readonly<Record<string, string>>,
  ) {
    this.root = root;
    this.programs = programs;
    this.nucleus = nucleus;
    this.workFolder = join(root, 'work', AGENT);
    this.environment = environment;
  }

  static async create(
    options: {
      profile?: Profile;
      configuration?: JsonObject;
      credentials?: () => Promise<DeviceCredentials>;
      /** Artifacts of its own, into which the test may write. */
      ownArtifacts?: boolean;
    } = {},
  ): Promise<AgentBench> {
    const root = await mkdtemp(join(tmpdir(), 'em-'));
    const nucleus = await startNucleus({
      rootPath: join(root, 'gg'),
      profile: options.profile ?? 'nucleus',
      thingName: 'thing-1',
      region: 'eu-west-1',
      store: await folderStore(),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    });
    const { environment } = nucleus.registerExternal(AGENT, {
      accessControl: AGENT_ACCESS,
      // A second after each load one more process would start, in tests of something else.
      spareHost: false,
      ...options.configuration,
    });
    const shipped = join(await shippedComponents(), AGENT);
    const programs = options.ownArtifacts === true ? join(root, 'artifacts') : shipped;
    if (programs !== shipped) await cp(shipped, programs, { recursive: true });
    const bench = new AgentBench(root, programs, nucleus, environment);
    await mkdir(bench.workFolder, { recursive: true, mode: 0o700 });
    return bench;
  }

  /** Starts the launcher, and waits until the agent answers apps. */
  async start(environment: Record<string, string | undefined> = {}): Promise<void> {
    this.spawn('main', [], environment);
    await until(() => this.log.includes('"Agent connected"'), 'the agent is connected', 20_000).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${this.log}`);
      },
    );
  }

  /** The bundled entry point. */
  entry(name: 'main' | 'control'): string {
    return join(this.programs, `${name}.js`);
  }

  spawn(
    entry: 'main' | 'control',
    args: string[] = [],
    environment: Record<string, string | undefined> = {},
  ): ChildProcess {
    const child = spawn(process.execPath, [this.entry(entry), ...args], {
      cwd: this.workFolder,
      env: { ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk) => (this.log += String(chunk)));
    child.stderr.on('data', (chunk) => (this.log += String(chunk)));
    this.agent = child;
    return child;
  }

  /** SIGTERM, as the nucleus does, and the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { agent } = this;
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null)
      return agent?.exitCode ?? null;
    const exited = once(agent, 'exit');
    agent.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }

  /** The control process of the running agent. */
  async controlPid(): Promise<number> {
    const { readFile } = await import('node:fs/promises');
    const pid = this.agent?.pid ?? 0;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return Number(children.trim().split(' ')[0]);
  }

  /** A client as a local app has it, with its own SVCUID. */
  async app(component = 'com.example.App'): Promise<EdgeManagerClient> {
    const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const transport = await this.connect(component);
    const client = await EdgeManagerClient.open({ ...common, transport, component, uid: process.getuid?.() });
    this.#closers.unshift(() => client.close());
    return client;
  }

  /** A component's own connection. */
  async connect(component: string, accessControl: JsonObject = APP_ACCESS): Promise<GreengrassPort> {
    const { environment } = this.nucleus.registerExternal(component, { accessControl });
    const port = await connectGreengrass({
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      environment: { ...environment },
      component,
    });
    this.#closers.push(() => port.close());
    return port;
  }

  /** What a model component's startup step runs. */
  async register(folder: string, component: string): Promise<{ code: number | null; output: string }> {
    const { environment } = this.nucleus.registerExternal(component, { accessControl: APP_ACCESS });
    const child = spawn(join(this.workFolder, 'bin', 'register'), [folder], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, output: output.trim() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close().catch(() => undefined);
    await this.stop();
    await this.nucleus.close();
    // A host that was just killed may still be leaving its folder.
    await rm(this.root, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }
}
