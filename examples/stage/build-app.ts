import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bundle, nativeFiles, platformHere } from '../../deploy/build/mod.js';
import { readYaml, renderRecipe, validateRecipe } from '../../src/recipe/mod.js';

export interface AppBuild {
  /** TypeScript entry, relative to the root; becomes `<output>`. */
  readonly entry: string;
  readonly output: string;
  readonly recipe: string;
  /** Files that go along as they are. */
  readonly files: readonly string[];
}

/** Builds an example app as plain artifacts below `<out>/greengrass-build`, as a gdk project of its own would. */
export async function buildApp(app: AppBuild, root: string, out: string): Promise<void> {
  const recipe = validateRecipe(readYaml(await readFile(join(root, app.recipe), 'utf8'), app.recipe));
  const build = join(out, 'greengrass-build');
  const artifacts = join(build, 'artifacts', recipe.ComponentName, recipe.ComponentVersion);
  await rm(build, { recursive: true, force: true });
  await mkdir(artifacts, { recursive: true });
  await mkdir(join(build, 'recipes'), { recursive: true });
  const { files } = await bundle({ entries: [app.entry] }, root);
  for (const file of files) await writeFile(join(artifacts, app.output), file.bytes);
  const platform = platformHere();
  if (platform === undefined)
    throw new Error('Cannot build the example as this machine is not Linux on x64 or arm64');
  for (const { from, name } of nativeFiles(['aws-crt'], platform))
    await copyFile(from, join(artifacts, name));
  for (const file of app.files) await copyFile(file, join(artifacts, basename(file)));
  await writeFile(join(build, 'recipes', 'recipe.yaml'), renderRecipe(recipe));
}
