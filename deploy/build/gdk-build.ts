import { EdgeError } from '../../src/core/mod.js';
import { basename, join, resolve } from '../../src/disk/mod.js';
import { readYaml, renderRecipe, validateRecipe, type Recipe } from '../../src/recipe/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { copyFolder, makeFolder, move, readText, realPath, removeAll, writeBytes } from '../files/mod.js';
import { packageModel } from '../package/mod.js';
import { artifactFiles, BILL_FILE } from './artifact.js';
import { bundle } from './bundle.js';
import { checkArtifactFile, checkBuild, type BuiltComponent } from './check.js';
import { BUNDLE_COMPONENT, CODE_COMPONENTS, type CodeComponent } from './components.js';
import { readGdkProject, type GdkProject } from './gdk-config.js';
import { PLATFORMS, type Platform } from './platforms.js';
import { writeZip } from './zip.js';

const SELF_TEST_TIMEOUT_MS = 120_000;

export interface BuildOptions {
  /** The repository. */
  readonly root: string;
  /** Default: all platforms that devices have. */
  readonly platforms?: readonly Platform[];
  /**
   * `zip`: one zip per platform, unpacked by the nucleus. `plain`: the same files as artifacts of their own, for
   * local deployments of nucleus lite, which unpack nothing; one platform only.
   */
  readonly form?: 'zip' | 'plain';
  /** Holds `<platform>/node`, which then goes into the artifacts. Default: devices have Node. */
  readonly nodeFolder?: string;
  /**
   * As a part of a release: of that version, with the artifacts' bills of materials in that folder too, and the
   * bundle alone. Default: the version of gdk-config.json, NEXT_PATCH, so that whoever builds from a clone can publish
   * again and again.
   */
  readonly release?: { readonly version: string; readonly billFolder: string };
  /** Where greengrass-build goes. Default: the project's folder, where gdk looks for it. */
  readonly out?: string;
}

/**
 * What `gdk component build` asks of a custom build, for the project in `folder`: artifacts and recipe below
 * greengrass-build, names and placeholders as gdk replaces them at publish. The former build stays until the
 * new one is complete and checked.
 */
export async function buildProject(folder: string, options: BuildOptions): Promise<BuiltComponent> {
  const read = await readGdkProject(folder);
  const project = { ...read, version: options.release?.version ?? read.version };
  const out = join(options.out ?? folder, 'greengrass-build');
  const draft = `${out}.draft`;
  await removeAll(draft);
  const artifacts = join(draft, 'artifacts', project.name, project.version);
  await makeFolder(artifacts);
  await makeFolder(join(draft, 'recipes'));
  try {
    const recipeName = await fill(folder, project, artifacts, draft, options);
    const built = await checkBuild(join(draft, 'recipes', recipeName), artifacts, options.root);
    await removeAll(out);
    await move(draft, out);
    return built;
  } catch (thrown) {
    await removeAll(draft);
    throw thrown;
  }
}

/** @returns the recipe's file name below recipes/ */
async function fill(
  folder: string,
  project: GdkProject,
  artifacts: string,
  draft: string,
  options: BuildOptions,
): Promise<string> {
  const code = CODE_COMPONENTS.find((component) => component.name === project.name);
  if (code !== undefined) return await fillCode(folder, code, artifacts, draft, options);
  if (project.name === BUNDLE_COMPONENT) {
    if (options.release === undefined) await buildParts(options);
    return await writeRecipe(draft, ...(await readRecipe(folder)));
  }
  return await fillModel(folder, project, draft);
}

/** gdk takes the name of a linked recipe's target. Its own placeholder stands for the one version of all of ours. */
async function readRecipe(folder: string): Promise<[string, Recipe]> {
  const path = await realPath(join(folder, 'recipe.yaml'));
  const text = (await readText(path)).replaceAll('{COMPONENT_VERSION}', VERSION);
  return [basename(path), validateRecipe(readYaml(text, path, { reason: 'RECIPE_INVALID' }))];
}

async function writeRecipe(draft: string, name: string, recipe: Recipe): Promise<string> {
  await writeBytes(join(draft, 'recipes', name), renderRecipe(recipe));
  return name;
}

async function fillCode(
  folder: string,
  component: CodeComponent,
  artifacts: string,
  draft: string,
  options: BuildOptions,
): Promise<string> {
  const platforms = options.platforms ?? PLATFORMS;
  const [name, recipe] = await readRecipe(folder);
  const plain: string[] = [];
  const code = await bundle(component, options.root);
  for (const platform of platforms) {
    const files = await artifactFiles(component, code, platform, options.root, options.nodeFolder);
    for (const file of files) checkArtifactFile(component.name, file, options.root);
    const bill = files.find(({ name }) => name === BILL_FILE);
    if (options.release !== undefined && bill !== undefined) {
      const name = `${component.artifact}-${platform.name}.cdx.json`;
      await writeBytes(join(options.release.billFolder, name), bill.bytes);
    }
    if (options.form === 'plain') {
      for (const file of files) {
        const mode = file.isExecutable === true ? 0o755 : 0o644;
        await writeBytes(join(artifacts, file.name), file.bytes, mode);
      }
      plain.push(...files.map((file) => file.name));
    } else {
      await writeZip(join(artifacts, `${component.artifact}-${platform.name}.zip`), files);
    }
  }
  return await writeRecipe(
    draft,
    name,
    withExecutables(
      forPlatforms(recipe, platforms, options.form === 'plain' ? plain : undefined),
      options.nodeFolder !== undefined,
    ),
  );
}

/** Leaves out the manifests of platforms that were not built; the plain form names each file. */
function forPlatforms(
  recipe: Recipe,
  platforms: readonly Platform[],
  plain: readonly string[] | undefined,
): Recipe {
  if (plain !== undefined && platforms.length !== 1) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build plain files for ${platforms.length} platforms at once: name one`,
    );
  }
  const manifests = recipe.Manifests.filter((manifest) =>
    platforms.some((platform) => platform.architecture === manifest.Platform?.['architecture']),
  );
  return {
    ...recipe,
    Manifests: manifests.map((manifest) =>
      plain === undefined
        ? manifest
        : {
            ...manifest,
            Artifacts: plain
              .toSorted()
              .map((file) => ({ Uri: `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${file}` })),
          },
    ),
  };
}

/** The nucleus (Java) takes a zip's files for data unless the artifact says otherwise. */
function withExecutables(recipe: Recipe, hasNode: boolean): Recipe {
  if (!hasNode) return recipe;
  return {
    ...recipe,
    Manifests: recipe.Manifests.map((manifest) => ({
      ...manifest,
      Artifacts: (manifest.Artifacts ?? []).map((artifact) =>
        /(\.zip|\/node)$/.test(artifact.Uri)
          ? { ...artifact, Permission: { Read: 'OWNER', Execute: 'OWNER' } }
          : artifact,
      ),
    })),
  };
}

/** The bundle's build builds the rest, each in its own gdk project. */
async function buildParts(options: BuildOptions): Promise<void> {
  for (const component of CODE_COMPONENTS) {
    const { out: _out, ...rest } = options;
    await buildProject(resolve(options.root, component.folder), rest);
  }
}

/** A model project: model.yaml stands beside gdk-config.json; its recipe is rendered, as it names the package's files. */
async function fillModel(folder: string, project: GdkProject, draft: string): Promise<string> {
  const name = basename(await realPath(join(folder, 'recipe.yaml')));
  const packaged = join(draft, 'packaged');
  const {
    manifest,
    recipeFile,
    folder: built,
  } = await packageModel({
    file: await realPath(join(folder, 'model.yaml')),
    outFolder: packaged,
    skipSelfTest: false,
    timeoutMs: SELF_TEST_TIMEOUT_MS,
  });
  const version = basename(built);
  if (manifest.componentName !== project.name || version !== project.version) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build ${project.name} ${project.version} as model.yaml makes ${manifest.componentName} ${version}`,
      { nextStep: 'Give gdk-config.json the component name and the literal version of model.yaml' },
    );
  }
  await copyFolder(join(packaged, 'artifacts'), join(draft, 'artifacts'));
  await move(recipeFile, join(draft, 'recipes', name));
  await removeAll(packaged);
  return name;
}
