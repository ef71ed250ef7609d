import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { parse, stringify } from 'yaml';
import { EdgeError, validate, type JsonObject } from '../../src/core/mod.js';
import { isNotFound } from '../../src/fs/durable.js';
import { artifactUri, replaceFile } from '../../src/model/mod.js';

/** Greengrass's own limit. */
const RECIPE_MAX_BYTES = 16_000;

/**
 * A recipe as YAML bytes. Never folded: a script's lines must stay lines. YAML 1.1 rules, as gdk reads it so:
 * a bare 2020-01-25 would be a date there.
 */
export function encodeRecipe(recipe: JsonObject): Uint8Array {
  const bytes = Buffer.from(stringify(recipe, { lineWidth: 0, version: '1.1' }));
  if (bytes.length > RECIPE_MAX_BYTES) {
    throw new EdgeError(
      'FAILED_PRECONDITION',
      `Cannot write the recipe as Greengrass takes at most ${RECIPE_MAX_BYTES} bytes: current size is ${bytes.length}`,
      { nextStep: 'Package fewer files' },
    );
  }
  return bytes;
}

const RecipeSchema = Type.Object({
  Manifests: Type.Array(Type.Object({ Artifacts: Type.Array(Type.Object({ Uri: Type.String() })) })),
});

/**
 * Adds a file to the artifacts of the recipe that belongs to a package folder, where there is one: a signature
 * that no recipe lists would never reach a device.
 * @returns the recipe's path where it was changed
 */
export async function addArtifact(packageFolder: string, file: string): Promise<string | undefined> {
  const recipeFile = join(dirname(dirname(dirname(packageFolder))), 'recipes', 'recipe.yaml');
  let text: string;
  try {
    text = await readFile(recipeFile, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const recipe = validate(RecipeSchema, parse(text), `Cannot read ${recipeFile}`);
  for (const manifest of recipe.Manifests) {
    const uris = manifest.Artifacts.map(({ Uri }) => Uri);
    const uri = artifactUri(file);
    if (!uris.includes(uri)) manifest.Artifacts = [...uris, uri].toSorted().map((Uri) => ({ Uri }));
  }
  await replaceFile(recipeFile, encodeRecipe(recipe as unknown as JsonObject));
  return recipeFile;
}
