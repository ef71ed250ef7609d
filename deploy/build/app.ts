import { EdgeError } from '../../src/core/mod.js';
import { basename, join } from '../../src/disk/mod.js';
import { renderRecipe } from '../../src/recipe/mod.js';
import { makeFolder, move, namesIn, readBytes, removeAll, writeBytes } from '../files/mod.js';
import { bundleApp } from './app-bundle.js';
import { readAppProject, type AppProject } from './app-project.js';
import { fillAppRecipe, type AppArchive } from './app-recipe.js';
import { checkArtifactFile, checkBuild, type BuiltComponent } from './check.js';
import { nativeFiles } from './native.js';
import { PLATFORMS, type Platform } from './platforms.js';
import { writeZip, type ArtifactFile } from './zip.js';

export interface AppOptions {
  /** Default: all platforms that devices have. */
  readonly platforms?: readonly Platform[] | undefined;
  /**
   * `zip`: unpacked by the nucleus. `plain`: the same files as artifacts of their own, for local deployments of
   * nucleus lite, which unpack nothing; one platform only.
   */
  readonly form?: 'zip' | 'plain' | undefined;
  /** Gets greengrass-build. Default: the app's folder, where gdk looks for it. */
  readonly out?: string | undefined;
  /** More files that go along: absolute paths. */
  readonly files?: readonly string[] | undefined;
}

/**
 * Makes a Greengrass component of an app: one JavaScript file with all packages inside, beside it aws-crt's native file
 * where the app loads the device SDK (one zip for each platform then), or the Python files; and the recipe, filled. The
 * former build stays until the new one is complete and checked.
 * @param folder holds recipe.yaml, and package.json (`main`: the first file, `files`: what goes along) or main.py;
 * gdk-config.json where gdk publishes it
 * @throws EdgeError BUILD_REFUSED, FILE_NOT_FOUND, RECIPE_INVALID
 * @example
 * const { recipe, sizeBytes } = await buildApp('/home/me/my-app', { platforms: platformsOf('here') });
 */
export async function buildApp(folder: string, options: AppOptions = {}): Promise<BuiltComponent> {
  const project = await readAppProject(folder, options.files);
  const out = join(options.out ?? folder, 'greengrass-build');
  const draft = `${out}.draft`;
  await removeAll(draft);
  const artifacts = join(draft, 'artifacts', project.recipe.ComponentName, project.version);
  await makeFolder(artifacts);
  await makeFolder(join(draft, 'recipes'));
  try {
    const { builds, warnings } = await filesOf(project, options.platforms ?? PLATFORMS);
    for (const { files } of builds)
      for (const file of files) checkArtifactFile(project.recipe.ComponentName, file, folder);
    const archives = await writeArchives(artifacts, builds, options.form ?? 'zip');
    const recipeFile = join(draft, 'recipes', 'recipe.yaml');
    await writeBytes(recipeFile, renderRecipe(fillAppRecipe(project.recipe, archives)));
    const built = await checkBuild(recipeFile, artifacts, folder);
    await removeAll(out);
    await move(draft, out);
    return { ...built, warnings: [...warnings, ...built.warnings] };
  } catch (thrown) {
    await removeAll(draft);
    throw thrown;
  }
}

interface Build {
  readonly platform?: Platform;
  readonly files: readonly ArtifactFile[];
}

interface Builds {
  readonly builds: readonly Build[];
  readonly warnings: readonly string[];
}

async function filesOf(project: AppProject, platforms: readonly Platform[]): Promise<Builds> {
  const along = await Promise.all(project.files.map(asArtifact));
  return project.language === 'python'
    ? { builds: [{ files: [...(await pythonFiles(project.folder)), ...along] }], warnings: [] }
    : await nodeFiles(project, along, platforms);
}

async function nodeFiles(
  { folder, entry }: AppProject,
  along: readonly ArtifactFile[],
  platforms: readonly Platform[],
): Promise<Builds> {
  const { code, sdk, warnings } = await bundleApp(folder, entry);
  const files: ArtifactFile[] = [
    { name: 'main.js', bytes: code },
    { name: 'package.json', bytes: Buffer.from('{ "type": "module" }\n') },
    ...along,
  ];
  if (sdk === undefined) return { builds: [{ files }], warnings };
  const builds = platforms.map(async (platform) => {
    const native = nativeFiles(['aws-crt'], platform, sdk).map(async ({ from, name }) => ({
      name,
      bytes: await readBytes(from),
    }));
    return { platform, files: [...files, ...(await Promise.all(native))] };
  });
  return { builds: await Promise.all(builds), warnings };
}

/** What Python takes from beside main.py. */
async function pythonFiles(folder: string): Promise<ArtifactFile[]> {
  const names = (await namesIn(folder)).filter((name) => /\.py$|^requirements\.txt$/.test(name));
  return await Promise.all(names.map((name) => asArtifact(join(folder, name))));
}

async function asArtifact(path: string): Promise<ArtifactFile> {
  return { name: basename(path), bytes: await readBytes(path) };
}

async function writeArchives(
  folder: string,
  builds: readonly Build[],
  form: 'zip' | 'plain',
): Promise<AppArchive[]> {
  if (form === 'plain' && builds.length !== 1) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build plain files for ${builds.length} platforms at once: name one`,
    );
  }
  const archives: AppArchive[] = [];
  for (const { platform, files } of builds) {
    const name = platform === undefined ? 'app' : `app-${platform.name}`;
    const target = platform === undefined ? {} : { platform };
    if (form === 'plain') {
      for (const file of files) await writeBytes(join(folder, file.name), file.bytes);
      archives.push({ ...target, name, plain: files.map((file) => file.name).toSorted() });
    } else {
      await writeZip(join(folder, `${name}.zip`), files);
      archives.push({ ...target, name });
    }
  }
  return archives;
}
