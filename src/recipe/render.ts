import { stringify } from 'yaml';
import { EdgeError } from '../core/mod.js';
import { MAX_RECIPE_BYTES, parseRecipe, validateRecipe } from './parse.js';
import type { Recipe } from './schema.js';

/**
 * The recipe as YAML text, keys in the given order, scripts as blocks. What it returns, {@link parseRecipe} reads
 * back to an equal object.
 * @throws EdgeError INVALID_ARGUMENT for a recipe that is not valid or has more than 16,000 bytes as text
 */
export function renderRecipe(recipe: Recipe): string {
  validateRecipe(recipe);
  const text = renderDocument(recipe, recipe.ComponentName);
  parseRecipe(text);
  return text;
}

/** Any recipe as YAML text, as its author spelt it. @throws as {@link renderRecipe} for its size */
export function renderDocument(document: object, name: string): string {
  // YAML 1.1 rules, as gdk reads it so: a bare 2020-01-25 would be a date there, not the format's version.
  const text = stringify(document, {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: 'PLAIN',
    version: '1.1',
  });
  const size = new TextEncoder().encode(text).length;
  if (size > MAX_RECIPE_BYTES) {
    throw new EdgeError(
      'RECIPE_INVALID',
      `Cannot render the recipe of ${name} as it must have at most ${MAX_RECIPE_BYTES} bytes: current size is ${size}`,
      { nextStep: 'Move large values out of the default configuration, into an artifact' },
    );
  }
  return text;
}
