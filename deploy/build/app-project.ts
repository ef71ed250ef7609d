import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, messageOf, validate } from '../../src/core/mod.js';
import { dirname, join } from '../../src/disk/mod.js';
import { readYaml, validateRecipe, type Recipe } from '../../src/recipe/mod.js';
import { exists, readText } from '../files/mod.js';
import { readGdkProject } from './gdk-config.js';

/** The part of an app's package.json that its build reads, in npm's own meaning. */
const AppManifest = Type.Object({
  main: Type.Optional(Type.String({ minLength: 1 })),
  files: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
});

/** An app that becomes a component: a folder with recipe.yaml, and package.json or main.py. */
export interface AppProject {
  readonly folder: string;
  readonly recipe: Recipe;
  /** As gdk-config.json has it, which may say NEXT_PATCH; the recipe's where there is no such file. */
  readonly version: string;
  readonly language: 'node' | 'python';
  /** The first file, relative to the folder. */
  readonly entry: string;
  /** What goes along as it is: absolute paths. */
  readonly files: readonly string[];
}

/**
 * @param extra more files that go along
 * @throws EdgeError FILE_UNREADABLE, FILE_NOT_FOUND, RECIPE_INVALID, BUILD_REFUSED
 */
export async function readAppProject(folder: string, extra: readonly string[] = []): Promise<AppProject> {
  const path = join(folder, 'recipe.yaml');
  const recipe = validateRecipe(readYaml(await textOf(path), path, { reason: 'RECIPE_INVALID' }));
  const hasManifest = await exists(join(folder, 'package.json'));
  const manifest = hasManifest ? await readManifest(folder) : {};
  const language = hasManifest || !(await exists(join(folder, 'main.py'))) ? 'node' : 'python';
  const entry = manifest.main ?? (language === 'node' ? 'main.ts' : 'main.py');
  if (!(await exists(join(folder, entry)))) {
    throw new EdgeError(
      'FILE_NOT_FOUND',
      `Cannot build the app in ${folder} as its entry ${entry} is missing`,
      {
        nextStep: "Name the app's first file as main in its package.json, or place a main.py for Python",
      },
    );
  }
  const files = [...extra];
  for (const name of manifest.files ?? []) files.push(await fileOf(folder, name));
  return { folder, recipe, version: await versionOf(folder, recipe), language, entry, files };
}

async function readManifest(folder: string): Promise<Static<typeof AppManifest>> {
  const path = join(folder, 'package.json');
  try {
    return validate(AppManifest, JSON.parse(await textOf(path)), `Cannot read ${path}`);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new EdgeError('FILE_UNREADABLE', `Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    throw new EdgeError('FILE_UNREADABLE', `Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function versionOf(folder: string, recipe: Recipe): Promise<string> {
  if (!(await exists(join(folder, 'gdk-config.json')))) return recipe.ComponentVersion;
  const { name, version } = await readGdkProject(folder);
  if (name === recipe.ComponentName) return version;
  throw new EdgeError(
    'BUILD_REFUSED',
    `Cannot build ${name} as the recipe beside gdk-config.json makes ${recipe.ComponentName}`,
    { nextStep: 'Give both files one component name' },
  );
}

/** npm may have installed a package for a folder further up. */
async function fileOf(folder: string, name: string): Promise<string> {
  const isInstalled = /^(\.\/)?node_modules\//.test(name);
  for (let at = folder; ; at = dirname(at)) {
    if (await exists(join(at, name))) return join(at, name);
    if (isInstalled && dirname(at) !== at) continue;
    throw new EdgeError('FILE_NOT_FOUND', `Cannot build the app in ${folder} as ${name} is missing`, {
      nextStep:
        'Name in files of package.json what is there, or run npm install where it comes from a package',
    });
  }
}
