import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import {
  MAX_RECIPE_BYTES,
  problemsOnLite,
  readRecipe,
  type ReadRecipe,
  type Recipe,
} from '../../src/recipe/mod.js';
import { namesIn, readText, sizeOf } from '../files/mod.js';
import type { ArtifactFile } from './zip.js';

export interface BuiltComponent extends ReadRecipe {
  readonly files: readonly string[];
  readonly sizeBytes: number;
}

/**
 * What gdk does not check and AWS or a device would refuse later: the recipe against the strict schema, size and
 * what nucleus lite reads,
 * a file behind every artifact URI, no file without one, no secret and no path of the build machine in the recipe.
 * Of somebody else's component what AWS takes is taken, and the rest is told in `warnings`.
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
  const read = readRecipe(text);
  const { recipe } = read;
  const isOwn = /^org\.edgemanager(\.|$)/.test(recipe.ComponentName);
  const files = await namesIn(artifactsFolder);
  const problems = [
    ...problemsOnLite(recipe).map((problem) => `nucleus lite would refuse it: ${problem}`),
    ...uriProblems(recipe, files),
  ];
  const problem = isOwn ? problems[0] : unfilled(recipe, files);
  if (problem !== undefined) {
    throw new EdgeError('BUILD_REFUSED', `Cannot build ${recipe.ComponentName} as ${problem}`, {
      nextStep: 'Change the recipe, or the files of the build',
    });
  }
  checkLeaks(text, root);
  let sizeBytes = 0;
  for (const file of files) sizeBytes += await sizeOf(join(artifactsFolder, file));
  return { ...read, files, sizeBytes, warnings: [...read.warnings, ...problems] };
}

/** What AWS or a device would miss: a file behind each artifact URI, and an artifact URI for each file. */
function uriProblems(recipe: Recipe, files: readonly string[]): string[] {
  const uris = recipe.Manifests.flatMap(({ Artifacts = [] }) => Artifacts.map(({ Uri }) => Uri));
  const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);
  const named = new Set(uris.map(nameOf));
  const unused = files.filter((file) => !named.has(file));
  return [
    ...uris
      .filter((uri) => !files.includes(nameOf(uri)))
      .map((uri) => `no file stands behind the artifact ${uri}`),
    ...(unused.length === 0 ? [] : [`no artifact Uri names ${unused.join(', ')}`]),
  ];
}

/** An artifact that publishing has to bring, and that is not there: AWS would look for a bucket of that name. */
function unfilled(recipe: Recipe, files: readonly string[]): string | undefined {
  return uriProblems(recipe, files).find((problem) => problem.includes(' s3://BUCKET_NAME/'));
}

const TEXT_FILE = /\.(c?js|json|txt)$|^LICENSE$/;

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
