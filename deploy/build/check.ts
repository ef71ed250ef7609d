import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { MAX_RECIPE_BYTES, parseRecipe, problemsOnLite, type Recipe } from '../../src/recipe/mod.js';
import { namesIn, readText, sizeOf } from '../files/mod.js';
import type { ArtifactFile } from './zip.js';

export interface BuiltComponent {
  readonly recipe: Recipe;
  readonly files: readonly string[];
  readonly sizeBytes: number;
}

/**
 * What gdk does not check and AWS or a device would refuse later: the recipe against the strict schema, size and
 * what nucleus lite reads,
 * a file behind every artifact URI, no file without one, no secret and no path of the build machine in the recipe.
 */
export async function checkBuild(
  recipeFile: string,
  artifactsFolder: string,
  root: string,
): Promise<BuiltComponent> {
  const text = await readText(recipeFile);
  const size = Buffer.byteLength(text);
  if (size > MAX_RECIPE_BYTES) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build as a recipe has at most ${MAX_RECIPE_BYTES} bytes: ${recipeFile} has ${size}`,
    );
  }
  const recipe = parseRecipe(text);
  const [problem] = problemsOnLite(recipe);
  if (problem !== undefined) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build ${recipe.ComponentName} as nucleus lite would refuse it: ${problem}`,
    );
  }
  const files = await namesIn(artifactsFolder);
  checkUris(recipe, files);
  checkLeaks(text, root);
  let sizeBytes = 0;
  for (const file of files) sizeBytes += await sizeOf(join(artifactsFolder, file));
  return { recipe, files, sizeBytes };
}

function checkUris(recipe: Recipe, files: readonly string[]): void {
  const named = new Set<string>();
  for (const manifest of recipe.Manifests) {
    for (const { Uri } of manifest.Artifacts ?? []) {
      const file = Uri.slice(Uri.lastIndexOf('/') + 1);
      named.add(file);
      if (!files.includes(file)) {
        throw new EdgeError(
          'BUILD_REFUSED',
          `Cannot build ${recipe.ComponentName} as no file stands behind the artifact ${Uri}`,
          {
            nextStep: 'Check the Uri in the recipe against the files of the build',
          },
        );
      }
    }
  }
  const unused = files.filter((file) => !named.has(file));
  if (unused.length > 0) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build ${recipe.ComponentName} as no artifact Uri names ${unused.join(', ')}`,
    );
  }
}

const TEXT_FILE = /\.(js|json|txt)$|^LICENSE$/;

/** Code and texts inside an artifact may hold neither the build machine's paths nor an AWS key. */
export function checkArtifactFile(component: string, file: ArtifactFile, root: string): void {
  if (!TEXT_FILE.test(file.name)) return;
  const text = Buffer.from(file.bytes).toString('utf8');
  const found = text.includes(root)
    ? "the build machine's path"
    : AWS_KEY.test(text)
      ? 'an AWS key'
      : undefined;
  if (found === undefined) return;
  throw new EdgeError('BUILD_REFUSED', `Cannot build ${component} as ${file.name} holds ${found}`);
}

const AWS_KEY = /\b(AKIA|ASIA)[0-9A-Z]{16}\b/;
const SECRETS = /AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|aws_secret_access_key/i;

function checkLeaks(text: string, root: string): void {
  const secret = SECRETS.exec(text)?.[0];
  if (secret !== undefined) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build as the recipe holds what looks like a secret: ${secret.slice(0, 8)}...`,
    );
  }
  if (text.includes(root)) {
    throw new EdgeError('BUILD_REFUSED', 'Cannot build as the recipe holds a path of the build machine');
  }
}
