import { EdgeError, messageOf } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { MANIFEST_FILE, parseManifest, type Manifest } from '../../src/model/mod.js';
import { parseRecipe, type ReadRecipe } from '../../src/recipe/mod.js';
import { sha256Hex } from '../../src/system/mod.js';
import { checkBuild } from '../build/mod.js';
import { digestOf, namesIn, readBytes, readText, sizeOf } from '../files/mod.js';

export interface BuildFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A finished build in greengrass-build, read and checked. */
export interface ComponentBuild extends ReadRecipe {
  readonly files: readonly BuildFile[];
  /** SHA-256 over recipe (without its version) and files. */
  readonly content: string;
  /** The version in the build's folder names is a placeholder: whoever publishes chooses one. */
  readonly isVersionOpen: boolean;
  readonly model: { readonly manifest: Manifest; readonly digest: string } | undefined;
}

/**
 * Reads what a build left for publishing.
 * @param folder greengrass-build, with exactly one component in it
 * @throws EdgeError NOT_FOUND without a build, INVALID_ARGUMENT where it would be refused later
 */
export async function readBuild(folder: string): Promise<ComponentBuild> {
  const recipeFile = join(folder, 'recipes', await onlyEntry(join(folder, 'recipes'), 'recipe'));
  const name = parseRecipe(await readText(recipeFile)).ComponentName;
  const version = await onlyEntry(join(folder, 'artifacts', name), 'version');
  const artifacts = join(folder, 'artifacts', name, version);
  const { recipe, document, warnings, files: names } = await checkBuild(recipeFile, artifacts, process.cwd());
  const files = await Promise.all(
    names.toSorted().map(async (file) => {
      const path = join(artifacts, file);
      return { name: file, path, sizeBytes: await sizeOf(path), sha256: await digestOf(path) };
    }),
  );
  const { ComponentVersion: _version, ...rest } = recipe;
  const content = sha256Hex(JSON.stringify([rest, files.map((file) => [file.name, file.sha256])]));
  const manifestFile = files.find((file) => file.name === MANIFEST_FILE);
  const model =
    manifestFile === undefined
      ? undefined
      : { manifest: parseManifest(await readBytes(manifestFile.path)), digest: manifestFile.sha256 };
  return { recipe, document, warnings, files, content, isVersionOpen: version === 'NEXT_PATCH', model };
}

/** The recipe with all values filled in that gdk's publish leaves beside the built one. */
const PUBLISHED = /-\d+\.\d+\.\d+[^/]*\.(yaml|json)$/;

async function onlyEntry(folder: string, what: string): Promise<string> {
  let entries: string[];
  try {
    entries = (await namesIn(folder)).filter((entry) => !entry.startsWith('.') && !PUBLISHED.test(entry));
  } catch (cause) {
    throw new EdgeError('BUILD_NOT_FOUND', `Cannot read the build: ${messageOf(cause)}`, {
      nextStep: 'Build first: edge-manager package, or gdk component build',
      cause,
    });
  }
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return only;
  throw new EdgeError(
    'BUILD_AMBIGUOUS',
    `Cannot publish as ${folder} must hold exactly one ${what}: it holds ${entries.length}`,
    { nextStep: 'Remove the folder greengrass-build and build again' },
  );
}
