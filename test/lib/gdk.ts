import { spawn } from 'node:child_process';
import { access, lstat, mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { parse } from 'yaml';

/** A project's gdk-config.json, with the rules of gdk 1.6.2 applied. */
export interface GdkConfig {
  readonly name: string;
  readonly version: string;
  readonly command: readonly string[];
}

const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** Throws where gdk would refuse the config. */
export async function readGdkConfig(folder: string): Promise<GdkConfig> {
  const config = JSON.parse(await readFile(join(folder, 'gdk-config.json'), 'utf8')) as {
    component?: Record<string, Record<string, unknown>>;
    gdk_version?: string;
  };
  if (!SEMVER.test(config.gdk_version ?? '')) throw new Error('gdk_version must be a version');
  const entries = Object.entries(config.component ?? {});
  const [only] = entries;
  if (entries.length !== 1 || only === undefined) throw new Error('exactly one component is allowed');
  const [name, settings] = only;
  for (const key of ['author', 'version', 'build', 'publish']) {
    if (settings[key] === undefined) throw new Error(`${key} is required`);
  }
  const version = String(settings['version']);
  if (version !== 'NEXT_PATCH' && !SEMVER.test(version)) throw new Error(`${version} is no version`);
  const build = settings['build'] as { build_system?: string; custom_build_command?: unknown };
  if (build.build_system !== 'custom' || !Array.isArray(build.custom_build_command)) {
    throw new Error('a custom build needs custom_build_command as an array');
  }
  if (typeof (settings['publish'] as { bucket?: unknown }).bucket !== 'string') throw new Error('no bucket');
  return { name, version, command: build.custom_build_command.map(String) };
}

/** What `gdk component build` does with a custom build: clears, makes the folders, runs the array without a shell. */
export async function buildAsGdk(folder: string): Promise<void> {
  const { name, version, command } = await readGdkConfig(folder);
  await recipeOf(folder);
  await rm(join(folder, 'greengrass-build'), { recursive: true, force: true });
  await mkdir(join(folder, 'greengrass-build', 'recipes'), { recursive: true });
  await mkdir(join(folder, 'greengrass-build', 'artifacts', name, version), { recursive: true });
  const [program = '', ...args] = command;
  await run(program, args, folder, { PATH: process.env['PATH'] ?? '' });
}

/** Exactly one of recipe.json and recipe.yaml; a link is followed. */
async function recipeOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((file) => file === 'recipe.json' || file === 'recipe.yaml');
  const [only] = names;
  if (names.length !== 1 || only === undefined) throw new Error(`${folder} has ${names.length} recipes`);
  return await realpath(join(folder, only));
}

export async function run(
  program: string,
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, env, shell: false, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}: ${output}`)),
    );
  });
}

export interface PublishedRecipe {
  readonly recipe: {
    ComponentName: string;
    ComponentVersion: string;
    Manifests: { Artifacts?: { Uri: string }[] }[];
  };
  /** Artifact files of the build. */
  readonly files: readonly string[];
}

/** What `gdk component publish` makes of a build; throws where AWS would refuse it for want of a file. */
export async function publishAsGdk(
  folder: string,
  version: string,
  bucket: string,
): Promise<PublishedRecipe> {
  const config = await readGdkConfig(folder);
  const artifacts = join(folder, 'greengrass-build', 'artifacts', config.name, config.version);
  const files = await readdir(artifacts);
  for (const file of files) {
    if (!(await lstat(join(artifacts, file))).isFile()) throw new Error(`${file} is no plain file`);
  }
  const recipeFile = join(folder, 'greengrass-build', 'recipes', basename(await recipeOf(folder)));
  const recipe = parse(await readFile(recipeFile, 'utf8')) as PublishedRecipe['recipe'];
  if (recipe.ComponentName !== config.name) throw new Error(`${config.name} is not built`);
  recipe.ComponentVersion = version;
  for (const artifact of recipe.Manifests.flatMap((manifest) => manifest.Artifacts ?? [])) {
    const file = basename(artifact.Uri);
    if (!files.includes(file)) throw new Error(`no file stands behind ${artifact.Uri}`);
    artifact.Uri = `s3://${bucket}/${config.name}/${version}/${file}`;
  }
  return { recipe, files };
}

/** For the stock gdk: at each start it asks the internet for its newest version, which tests don't. */
export function gdkEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const nowhere = 'http://127.0.0.1:9';
  return { ...process.env, https_proxy: nowhere, HTTPS_PROXY: nowhere, no_proxy: '127.0.0.1', ...more };
}

/** The stock gdk on this machine, if there is one. */
export async function findGdk(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'gdk');
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
