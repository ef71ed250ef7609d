import { copyFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { EdgeError, isJsonObject, type JsonObject } from '../../core/mod.js';
import { isNotFound } from '../../disk/mod.js';
import { readYaml, valueOfKey } from '../../recipe/mod.js';
import type { ComponentStore } from './api/mod.js';

/** What gdk calls a version that its publishing will find. */
const NEXT = 'NEXT_PATCH';

/** A folder with a component's gdk build: `recipes/` and `artifacts/<name>/<version>/` in `greengrass-build/`. */
export interface BuildFolder {
  /** The folder that holds `greengrass-build`. */
  readonly path: string;
  /** The version to give it, whatever the build says. */
  readonly version?: string;
  /** The version of a build that leaves it to its publishing: NEXT_PATCH, or a placeholder. Default: the recipe's. */
  readonly nextVersion?: string;
}

/** A store over gdk builds; more can be added, and a build with a known version replaces the former. */
export interface FolderStore extends ComponentStore {
  add(build: BuildFolder): Promise<{ readonly name: string; readonly version: string }>;
}

interface StoredComponent {
  readonly recipeText: string;
  readonly artifactsPath: string;
}

/**
 * What `gdk component publish` would do, for a nucleus on the same machine: reads builds, gives them their version.
 * The recipe is read once, artifacts when they are fetched.
 */
export async function folderStore(...builds: readonly BuildFolder[]): Promise<FolderStore> {
  const components = new Map<string, Map<string, StoredComponent>>();
  const find = (name: string, version: string): StoredComponent => {
    const found = components.get(name)?.get(version);
    if (found === undefined) {
      throw new EdgeError(
        'COMPONENT_NOT_FOUND',
        `Cannot find the component ${name} ${version} in the folder store`,
      );
    }
    return found;
  };
  const store: FolderStore = {
    isLocal: true,
    versions: async (name) => [...(components.get(name)?.keys() ?? [])],
    recipe: async (name, version) => find(name, version).recipeText,
    fetchArtifact: async (name, version, uri, destination) => {
      const file = uri.slice(uri.lastIndexOf('/') + 1);
      try {
        await copyFile(join(find(name, version).artifactsPath, file), destination);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        throw new EdgeError('ARTIFACT_NOT_FOUND', `Cannot find the artifact ${uri} of ${name} ${version}`, {
          cause: error,
          nextStep: 'Build the component again, and check the Uri in its recipe',
        });
      }
    },
    add: async (build) => {
      const { name, version, component } = await readBuild(build);
      const versions = components.get(name) ?? new Map<string, StoredComponent>();
      components.set(name, versions.set(version, component));
      return { name, version };
    },
  };
  for (const build of builds) await store.add(build);
  return store;
}

async function readBuild(
  build: BuildFolder,
): Promise<{ name: string; version: string; component: StoredComponent }> {
  const root = join(build.path, 'greengrass-build');
  const file = await onlyRecipe(join(root, 'recipes'));
  const text = await readFile(file, 'utf8');
  const head = readYaml(text, file, { reason: 'RECIPE_INVALID' });
  // In any case, as AWS takes them: a nucleus then reads them as it does.
  const name = isJsonObject(head) ? valueOfKey(head, 'ComponentName') : undefined;
  const written = isJsonObject(head) ? valueOfKey(head, 'ComponentVersion') : undefined;
  const artifacts = join(root, 'artifacts', typeof name === 'string' ? name : '');
  const version =
    build.version ?? ((await isOpen(artifacts, written)) ? build.nextVersion : undefined) ?? written;
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw new EdgeError(
      'RECIPE_INVALID',
      `Cannot read ${file} as it lacks ComponentName or ComponentVersion`,
    );
  }
  return {
    name,
    version,
    component: {
      recipeText: written === version || !isJsonObject(head) ? text : withVersion(text, head, version),
      artifactsPath: await artifactsFolder(artifacts, version, typeof written === 'string' ? written : ''),
    },
  };
}

/** Whether publishing will say the version. */
async function isOpen(artifacts: string, written: unknown): Promise<boolean> {
  return typeof written !== 'string' || !/^\d/.test(written) || (await isFolder(join(artifacts, NEXT)));
}

function withVersion(text: string, head: JsonObject, version: string): string {
  const key =
    Object.keys(head).find((name) => name.toLowerCase() === 'componentversion') ?? 'ComponentVersion';
  if (text.trimStart().startsWith('{')) return JSON.stringify({ ...head, [key]: version }, undefined, 2);
  const document = parseDocument(text);
  document.set(key, version);
  return document.toString({ lineWidth: 0 });
}

async function onlyRecipe(folder: string): Promise<string> {
  const names = await namesIn(folder);
  const recipes = names.filter((name) => /\.(json|yaml)$/.test(name));
  const [first] = recipes;
  if (first !== undefined && recipes.length === 1) return join(folder, first);
  throw new EdgeError(
    'BUILD_NOT_FOUND',
    `Cannot read the build in ${folder} as it must hold exactly one recipe: there are ${recipes.length}`,
    { nextStep: 'Build the component first' },
  );
}

/** gdk leaves the version as its configuration has it, so NEXT_PATCH; a plain build has the recipe's. */
async function artifactsFolder(folder: string, ...versions: readonly string[]): Promise<string> {
  for (const version of [...versions, NEXT]) {
    const path = join(folder, version);
    if (await isFolder(path)) return path;
  }
  return join(folder, versions[0] ?? '');
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
