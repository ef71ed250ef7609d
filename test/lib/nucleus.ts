import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError, type Clock, type JsonObject } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import {
  removeNucleusRoot,
  startNucleus,
  type ComponentState,
  type ComponentStore,
  type DeploymentDocument,
  type DeploymentResult,
  type Nucleus,
  type NucleusOptions,
  type Profile,
  type WantedComponent,
} from '../../src/local/nucleus/mod.js';
import { renderRecipe, type Lifecycle, type Manifest, type Recipe } from '../../src/recipe/mod.js';
import { until } from './until.js';

export const BOTH: readonly Profile[] = ['nucleus', 'lite'];

export interface TestComponent {
  readonly lifecycle?: Lifecycle;
  readonly dependencies?: Recipe['ComponentDependencies'];
  readonly configuration?: JsonObject;
  readonly artifacts?: Readonly<Record<string, string | Uint8Array>>;
  /** Keys of an artifact besides Uri, by file name. */
  readonly artifactKeys?: Readonly<Record<string, object>>;
  readonly platform?: Manifest['Platform'];
}

/** A store of components that a test writes down. */
export class TestStore implements ComponentStore {
  /** As `edge-manager dev` and the Greengrass CLI deploy; false: as from the cloud. */
  readonly isLocal: boolean;
  readonly #components = new Map<string, Map<string, { recipe: string; component: TestComponent }>>();

  constructor({ isLocal = true } = {}) {
    this.isLocal = isLocal;
  }

  add(name: string, version: string, component: TestComponent): void {
    const manifest: Manifest = {
      Platform: component.platform ?? { os: 'linux', runtime: '*' },
      Lifecycle: component.lifecycle ?? {},
      Artifacts: Object.keys(component.artifacts ?? {}).map((file) => ({
        Uri: `s3://bucket/${name}/${version}/${file}`,
        ...component.artifactKeys?.[file],
      })),
    };
    const recipe = renderRecipe({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: version,
      ...(component.configuration === undefined
        ? {}
        : { ComponentConfiguration: { DefaultConfiguration: component.configuration } }),
      ...(component.dependencies === undefined ? {} : { ComponentDependencies: component.dependencies }),
      Manifests: [manifest],
    });
    const versions = this.#components.get(name) ?? new Map<string, never>();
    this.#components.set(name, versions.set(version, { recipe, component }));
  }

  async versions(name: string): Promise<readonly string[]> {
    return [...(this.#components.get(name)?.keys() ?? [])];
  }

  async recipe(name: string, version: string): Promise<string> {
    const found = this.#components.get(name)?.get(version);
    if (found === undefined) throw new EdgeError('NOT_FOUND', `Cannot find ${name} ${version}`);
    return found.recipe;
  }

  async fetchArtifact(name: string, version: string, uri: string, destination: string): Promise<void> {
    const file = uri.slice(uri.lastIndexOf('/') + 1);
    const content = this.#components.get(name)?.get(version)?.component.artifacts?.[file];
    if (content === undefined) throw new EdgeError('NOT_FOUND', `Cannot find the artifact ${uri}`);
    await writeFile(destination, content);
  }
}

/** The machine's clock with waits four times shorter, so that the pauses of systemd do not make the tests slow. */
const hurriedClock: Clock = {
  wallMs: () => systemClock.wallMs(),
  monotonicMs: () => systemClock.monotonicMs() * 4,
  sleep: (ms, signal) => systemClock.sleep(ms / 4, signal),
  after: (ms, callback, options) => systemClock.after(ms / 4, callback, options),
};

/** A nucleus on a folder of its own, which goes with it. */
export class NucleusBench implements AsyncDisposable {
  readonly store = new TestStore();
  readonly states: string[] = [];
  readonly root: string;
  readonly #profile: Profile;
  readonly #options: Partial<NucleusOptions>;
  #nucleus: Nucleus | undefined;
  #deployments = 0;

  private constructor(root: string, profile: Profile, options: Partial<NucleusOptions>) {
    this.root = root;
    this.#profile = profile;
    this.#options = options;
  }

  static async start(profile: Profile, options: Partial<NucleusOptions> = {}): Promise<NucleusBench> {
    const bench = new NucleusBench(await mkdtemp(join(tmpdir(), 'ggc-')), profile, options);
    await bench.open();
    return bench;
  }

  get nucleus(): Nucleus {
    if (this.#nucleus === undefined) throw new Error('The nucleus is closed');
    return this.#nucleus;
  }

  /** Starts it on the same root again. */
  async open(): Promise<void> {
    this.#nucleus = await startNucleus({
      rootPath: this.root,
      profile: this.#profile,
      thingName: 'TestThing',
      region: 'eu-west-1',
      store: this.store,
      clock: hurriedClock,
      ...this.#options,
    });
    this.#nucleus.onState((name, state) => this.states.push(`${name} ${state}`));
  }

  deploy(
    components: Readonly<Record<string, string | WantedComponent>>,
    policies: Pick<DeploymentDocument, 'failureHandlingPolicy' | 'configurationValidationPolicy'> = {},
  ): Promise<DeploymentResult> {
    const wanted = Object.entries(components).map(([name, value]) => [
      name,
      typeof value === 'string' ? { componentVersion: value } : value,
    ]);
    return this.nucleus.deploy({
      deploymentId: `deployment-${++this.#deployments}`,
      components: Object.fromEntries(wanted) as Record<string, WantedComponent>,
      ...policies,
    });
  }

  /** Deploys and expects it to go well. */
  async mustDeploy(components: Readonly<Record<string, string | WantedComponent>>): Promise<void> {
    const result = await this.deploy(components);
    if (result.status !== 'SUCCEEDED') throw new Error(`The deployment failed: ${result.reason}`);
  }

  pidOf(name: string): number | undefined {
    return this.nucleus.components().find((component) => component.name === name)?.pid;
  }

  configurationOf(name: string): JsonObject | undefined {
    return this.nucleus.components().find((component) => component.name === name)?.configuration;
  }

  async close(): Promise<void> {
    await this.#nucleus?.close();
    this.#nucleus = undefined;
  }

  stateOf(name: string): ComponentState | undefined {
    return this.nucleus.components().find((component) => component.name === name)?.state;
  }

  /** The states that a component went through, in order. */
  pathOf(name: string): string[] {
    return this.states
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1));
  }

  async untilState(name: string, state: ComponentState, timeoutMs?: number): Promise<void> {
    await until(() => this.stateOf(name) === state, `${name} is ${state}`, timeoutMs);
  }

  /** What the component has written to its log, or ''. */
  async log(name: string): Promise<string> {
    return readFile(join(this.root, 'logs', `${name}.log`), 'utf8').catch(() => '');
  }

  async untilLog(name: string, text: string | RegExp, timeoutMs?: number): Promise<string> {
    const holds = (log: string): boolean => (typeof text === 'string' ? log.includes(text) : text.test(log));
    await until(async () => holds(await this.log(name)), `the log of ${name} has ${String(text)}`, timeoutMs);
    return this.log(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nucleus?.close();
    await removeNucleusRoot(this.root);
  }
}

/** Writes a gdk build as `gdk component build` leaves it. */
export async function writeBuild(
  folder: string,
  build: {
    readonly name: string;
    readonly version: string;
    readonly recipe: string;
    readonly recipeFile: string;
    readonly artifacts: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const recipes = join(folder, 'greengrass-build', 'recipes');
  const artifacts = join(folder, 'greengrass-build', 'artifacts', build.name, build.version);
  await mkdir(recipes, { recursive: true });
  await mkdir(artifacts, { recursive: true });
  await writeFile(join(recipes, build.recipeFile), build.recipe);
  for (const [file, content] of Object.entries(build.artifacts))
    await writeFile(join(artifacts, file), content);
}
