import { dirname, isNotFound, join } from '../../src/disk/mod.js';
import { artifactUri, replaceFile } from '../../src/model/mod.js';
import { parseRecipe, renderRecipe, validateRecipe } from '../../src/recipe/mod.js';
import { readText } from '../files/mod.js';

/** A recipe as YAML bytes, once it has passed every check that both nuclei would make, and ours. */
export function encodeRecipe(recipe: unknown): Uint8Array {
  return Buffer.from(renderRecipe(validateRecipe(recipe)));
}

/**
 * Adds a file to the artifacts of the recipe that belongs to a package folder, where there is one: a signature
 * that no recipe lists would never reach a device.
 * @returns the recipe's path, or undefined where there is none
 */
export async function addArtifact(packageFolder: string, file: string): Promise<string | undefined> {
  const recipeFile = join(dirname(dirname(dirname(packageFolder))), 'recipes', 'recipe.yaml');
  let text: string;
  try {
    text = await readText(recipeFile);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const recipe = parseRecipe(text);
  const uri = artifactUri(file);
  const manifests = recipe.Manifests?.map((manifest) => {
    const artifacts = manifest.Artifacts ?? [];
    if (artifacts.some(({ Uri }) => Uri === uri)) return manifest;
    const sorted = [...artifacts, { Uri: uri }].toSorted((a, b) => (a.Uri < b.Uri ? -1 : 1));
    return { ...manifest, Artifacts: sorted };
  });
  await replaceFile(recipeFile, encodeRecipe({ ...recipe, Manifests: manifests }));
  return recipeFile;
}
