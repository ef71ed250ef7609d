import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { arch, platform as osName } from 'node:os';
import { delimiter, dirname, join, resolve as absolute } from 'node:path';
import { messageOf, silentLogger, type JsonObject } from '../../core/mod.js';
import { systemClock, systemRandom } from '../../system/mod.js';
import type { Platform, StepName } from '../../recipe/mod.js';
import type {
  ComponentState,
  ComponentStatus,
  DeploymentDocument,
  DeploymentResult,
  ExternalComponent,
  IotCore,
  Nucleus,
  NucleusOptions,
  Profile,
} from './api/mod.js';
import { removeStaleArtifacts } from './artifacts.js';
import { ConfigurationStore } from './configuration-store.js';
import { definitionOf, type Definition } from './definition.js';
import { Deployer } from './deployer.js';
import { environmentOf, OWN_ENVIRONMENT } from './environment.js';
import { createIotBroker, startIpcServer, type IpcServer } from './ipc/mod.js';
import { IotLink } from './iot-link.js';
import { Kernel } from './ipc-kernel.js';
import { launchStep, type Launch } from './launcher.js';
import { writeStandIn } from './notify.js';
import { rootPaths, type RootPaths } from './paths.js';
import { prepareStep } from './prepared-step.js';
import { NUCLEUS_NAMES, TOKEN_EXCHANGE } from './resolve.js';
import { RunningGroups } from './running-groups.js';
import { loadState, StateSaver, type SavedState } from './saved-state.js';
import { Service } from './service.js';
import { Services } from './services.js';
import { deployedAs, prepareTarget, sourceOf, type TargetOptions } from './target.js';
import { ExchangeService } from './exchange-service.js';
import { UpdateGate } from './update-gate.js';
import { ValidationGate } from './validation-gate.js';
import { variablesOf } from './variables-of.js';

/** A closing nucleus does not wait longer than this for what ignores SIGTERM. */
const CLOSE_GRACE_MS = 5_000;
const DEFAULT_SYSTEMD_VERSION = 255;
const IPC_GOING_MS = 200;

/**
 * Starts a nucleus on `rootPath`, and what was deployed there before.
 * @throws EdgeError ALREADY_EXISTS if another one serves the same root
 */
export async function startNucleus(options: NucleusOptions): Promise<Nucleus> {
  const nucleus = new LocalNucleus(options);
  await nucleus.start();
  return nucleus;
}

class LocalNucleus implements Nucleus {
  readonly rootPath: string;
  readonly profile: Profile;
  readonly iotCore: IotCore;
  readonly #options: NucleusOptions;
  readonly #iotLink: IotLink;
  readonly #paths: RootPaths;
  readonly #platform: Platform;
  readonly #path: string;
  readonly #services: Services;
  readonly #configurations: ConfigurationStore;
  readonly #kernel: Kernel;
  readonly #deployer: Deployer;
  readonly #saver: StateSaver;
  readonly #closing = new AbortController();
  #isRestored = false;
  #groups: RunningGroups | undefined;
  #ipc: IpcServer | undefined;
  readonly #exchange: ExchangeService;
  #closed: Promise<void> | undefined;

  constructor(options: NucleusOptions) {
    const { profile, clock = systemClock, random = systemRandom, logger = silentLogger } = options;
    this.rootPath = absolute(options.rootPath);
    this.profile = profile;
    this.iotCore = options.iotCore ?? createIotBroker();
    this.#options = options;
    this.#iotLink = new IotLink(this.iotCore, profile);
    this.#paths = rootPaths(this.rootPath, profile);
    this.#platform = options.platform ?? ownPlatform(profile);
    this.#path =
      options.path ?? [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
    this.#saver = new StateSaver(this.#paths.state, () => this.#state());
    this.#configurations = new ConfigurationStore(profile, () => void this.#save());
    this.#services = new Services({
      profile,
      clock,
      launch: (service, step) => this.#launch(service, step),
      isBuiltInUp: (name) => name !== TOKEN_EXCHANGE || this.#exchange.isUp(),
    });
    this.#services.onState((component, state) =>
      logger.info('A component changed state', { component, state }),
    );
    this.#exchange = new ExchangeService({
      profile,
      clock,
      logger,
      credentials: options.credentials,
      isKnownToken: (token) => this.#kernel.componentOf(token) !== undefined,
      services: this.#services,
      changed: (configuration) => this.#configurations.set(TOKEN_EXCHANGE, configuration),
    });
    const gate = new UpdateGate(clock);
    const validation = new ValidationGate(clock);
    this.#kernel = new Kernel({
      profile,
      services: this.#services,
      configurations: this.#configurations,
      gate,
      validation,
      random,
      environment: (_name, svcuid) => this.#environment(svcuid),
    });
    this.#deployer = new Deployer({
      profile,
      isLocal: options.store.isLocal === true,
      services: this.#services,
      configurations: this.#configurations,
      gate,
      validation,
      logger,
      closing: this.#closing.signal,
      prepare: (document) => prepareTarget(document, this.#targetOptions()),
      save: () => this.#save(),
      clean: () => this.#clean(),
    });
  }

  get socketPath(): string {
    return this.#paths.socket;
  }

  async start(): Promise<void> {
    await this.#makeFolders();
    const saved = await loadState(this.#paths.state);
    // The socket comes first: it tells whether another nucleus lives here, whose processes are none of ours.
    this.#ipc = await this.#startIpc();
    try {
      this.#groups = new RunningGroups(this.#paths.run);
      if (this.profile === 'lite') await this.#endOrphans();
      await this.#exchange.start(saved?.tokenExchangeUrl);
      this.#restore(saved);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  deploy(document: DeploymentDocument): Promise<DeploymentResult> {
    return this.#deployer.deploy(document);
  }

  components(): readonly ComponentStatus[] {
    return this.#services.all().map((service) => this.#kernel.statusOf(service));
  }

  onState(listener: (name: string, state: ComponentState) => void): () => void {
    return this.#services.onState(listener);
  }

  registerExternal(name: string, configuration: JsonObject): ExternalComponent {
    return this.#kernel.registerExternal(name, configuration);
  }

  async restartIpc(): Promise<void> {
    if (this.profile === 'nucleus') {
      await this.#leaveIpc();
    } else {
      await this.#ipc?.close();
      this.#kernel.forgetSvcuids();
    }
    this.#ipc = await this.#startIpc();
  }

  setOnline(isOnline: boolean): Promise<void> {
    return this.#iotLink.setOnline(isOnline);
  }

  async restartTokenExchange(): Promise<void> {
    await this.#exchange.restart();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#deployer.idle();
    if (this.profile === 'nucleus') await this.#leaveIpc();
    // Reverse start order, so that no dependent sees its dependency go.
    for (const service of [...this.#services.all()].reverse()) await service.stop(CLOSE_GRACE_MS);
    await this.#exchange.close();
    await this.#ipc?.close();
    await this.#saver.idle();
    await this.#endOrphans();
  }

  /**
   * What a nucleus that was killed left running. The unit of a component runs once on lite, so at the start; the Java
   * nucleus leaves it for good, beside what it starts: here as long as this one lives.
   */
  async #endOrphans(): Promise<void> {
    const { clock = systemClock, logger = silentLogger } = this.#options;
    await this.#groups?.endOrphans(CLOSE_GRACE_MS, clock, logger);
  }

  /** The Java nucleus takes IPC away before it stops the first component, and accepts and closes while it goes. */
  async #leaveIpc(): Promise<void> {
    this.#ipc?.leave();
    const { clock = systemClock } = this.#options;
    await clock.sleep(IPC_GOING_MS);
    await this.#ipc?.close();
  }

  #startIpc(): Promise<IpcServer> {
    const { logger, clock } = this.#options;
    return startIpcServer({
      socketPath: this.#paths.socket,
      kernel: this.#kernel,
      iotCore: this.#iotLink,
      ...(logger === undefined ? {} : { logger }),
      ...(clock === undefined ? {} : { clock }),
    });
  }

  async #makeFolders(): Promise<void> {
    const { logs, recipes, run, home, bin } = this.#paths;
    const folders = [logs, recipes, run, home, bin, this.#paths.work(''), dirname(this.#paths.state)];
    for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(this.rootPath, 0o700);
    if (this.profile === 'lite') writeStandIn(bin, this.#options.systemdVersion ?? DEFAULT_SYSTEMD_VERSION);
  }

  #restore(saved: SavedState | undefined): void {
    const { region, configurationOfNucleus = {} } = this.#options;
    for (const [name, value] of Object.entries(saved?.configurations ?? {}))
      this.#configurations.set(name, value);
    this.#configurations.set(NUCLEUS_NAMES[this.profile], { awsRegion: region, ...configurationOfNucleus });
    const components = (saved?.components ?? []).map(({ name, version, recipe, isRoot }) => ({
      definition: definitionOf(name, version, recipe, this.profile),
      isRoot,
    }));
    const definitions = components.map(({ definition }) => definition);
    const source = sourceOf(definitions, this.#configurations.snapshot(), this.#targetOptions());
    for (const { definition, isRoot } of components) {
      const deployed = deployedAs(definition, isRoot, this.#platform, this.profile, source);
      this.#services.add(new Service(deployed, this.#services));
    }
    this.#isRestored = true;
    // The Java nucleus installs at each of its starts; lite's units are installed once.
    for (const service of this.#services.all()) service.start({ install: this.profile === 'nucleus' });
  }

  #targetOptions(): TargetOptions {
    const { store, thingName } = this.#options;
    return {
      store,
      profile: this.profile,
      platform: this.#platform,
      paths: this.#paths,
      thingName,
      present: () => this.#configurations.snapshot(),
    };
  }

  #launch(service: Service, step: StepName): Launch | undefined {
    const { definition, name } = service;
    const { clock = systemClock } = this.#options;
    const prepared =
      definition.steps === undefined
        ? prepareStep(definition.selection.lifecycle, step, this.#variables(definition), this.profile)
        : definition.steps.get(step);
    if (prepared === undefined || this.#groups === undefined) return undefined;
    const environment = this.#environment(this.#kernel.svcuidOf(name), definition);
    const options = { profile: this.profile, paths: this.#paths, groups: this.#groups, clock };
    return launchStep(name, step, prepared, environment, options);
  }

  #variables(definition: Definition): ReturnType<typeof variablesOf> {
    return variablesOf(definition, {
      paths: this.#paths,
      thingName: this.#options.thingName,
      configuration: (name) => this.#configurations.get(name),
      version: (name) => this.#services.get(name)?.definition.version,
    });
  }

  #environment(svcuid: string, definition?: Definition): Record<string, string> {
    const { thingName, region, ownEnvironment = OWN_ENVIRONMENT } = this.#options;
    return environmentOf({
      profile: this.profile,
      socketPath: this.#paths.socket,
      svcuid,
      thingName,
      region,
      rootPath: this.rootPath,
      home: this.#paths.home,
      path: this.#path,
      tokenExchangeUrl: this.#exchange.urlFor(definition),
      own: this.profile === 'nucleus' ? ownEnvironment : {},
    });
  }

  /** Nothing is saved before what was saved is restored, or a kill in between would lose it. */
  async #save(): Promise<void> {
    if (!this.#isRestored) return;
    try {
      await this.#saver.save();
    } catch (error) {
      this.#options.logger?.error('The nucleus cannot save its state', { reason: messageOf(error) });
    }
  }

  #state(): SavedState {
    const components = this.#services.all().map(({ definition }) => ({
      name: definition.name,
      version: definition.version,
      recipe: definition.recipeText,
      isRoot: definition.isRoot,
    }));
    const names = new Set(components.map(({ name }) => name));
    const configurations = Object.entries(this.#configurations.snapshot()).filter(([name]) =>
      names.has(name),
    );
    const tokenExchangeUrl = this.#exchange.published;
    return {
      format: 1,
      components,
      configurations: Object.fromEntries(configurations),
      ...(tokenExchangeUrl === undefined ? {} : { tokenExchangeUrl }),
    };
  }

  async #clean(): Promise<void> {
    const inUse = new Set(
      this.#services.all().map(({ definition: { name, version } }) => `${name}/${version}`),
    );
    await removeStaleArtifacts(this.#paths, (name, version) => inUse.has(`${name}/${version}`));
    for (const { definition } of this.#services.all()) {
      const { name, version, recipeText } = definition;
      const kind = recipeText.trimStart().startsWith('{') ? 'json' : 'yaml';
      await writeFile(join(this.#paths.recipes, `${name}-${version}.${kind}`), recipeText, { mode: 0o600 });
    }
  }
}

/** This machine as the nuclei name it. */
function ownPlatform(profile: Profile): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'aarch64', ia32: 'x86' };
  return {
    os: osName() === 'darwin' ? 'darwin' : 'linux',
    architecture: architectures[arch()] ?? arch(),
    runtime: profile === 'lite' ? 'aws_nucleus_lite' : 'aws_nucleus_classic',
  };
}
