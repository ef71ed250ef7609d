import { readFile } from 'node:fs/promises';
import { parseRecipe, type Recipe } from '../../src/recipe/mod.js';
import { VERSION } from '../../src/system/mod.js';

/** A recipe of ours as its build fills it in. */
export async function ownRecipe(file: string): Promise<Recipe> {
  return parseRecipe((await readFile(file, 'utf8')).replaceAll('{COMPONENT_VERSION}', VERSION));
}
