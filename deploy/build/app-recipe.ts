import { EdgeError } from '../../src/core/mod.js';
import type { Artifact, Lifecycle, Manifest, Recipe } from '../../src/recipe/mod.js';
import type { Platform } from './platforms.js';

/** What an app's scripts call the folder of its files: it lies elsewhere where the nucleus unpacks nothing. */
const FOLDER = /\bAPP_FOLDER\b/g;

/** What a build has made for one platform, or for all. */
export interface AppArchive {
  /** The zip's name without its ending. */
  readonly name: string;
  readonly platform?: Platform;
  /** The files themselves, in place of the zip. */
  readonly plain?: readonly string[];
}

/**
 * The app's recipe with the artifacts of its build: a manifest that names no architecture becomes one for each
 * platform, and scripts find their files.
 * @throws EdgeError BUILD_REFUSED where no script uses APP_FOLDER, or no manifest is for a built platform
 */
export function fillAppRecipe(recipe: Recipe, archives: readonly AppArchive[]): Recipe {
  if (!JSON.stringify(recipe.Manifests).includes('APP_FOLDER')) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build ${recipe.ComponentName} as no script of its recipe names APP_FOLDER, where the app's files are`,
      { nextStep: 'Start the app with its folder, such as: exec node APP_FOLDER/main.js' },
    );
  }
  const manifests = recipe.Manifests.flatMap((manifest) =>
    archives
      .filter(({ platform }) => fits(manifest, platform))
      .map((archive) => fillManifest(manifest, archive)),
  );
  if (manifests.length === 0) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build ${recipe.ComponentName} as no manifest of its recipe is for the platform that is built`,
    );
  }
  return { ...recipe, Manifests: manifests };
}

function fits({ Platform: wanted }: Manifest, platform: Platform | undefined): boolean {
  const architecture = wanted?.architecture ?? '*';
  return platform === undefined || architecture === '*' || architecture === platform.architecture;
}

function fillManifest(manifest: Manifest, archive: AppArchive): Manifest {
  const { platform } = archive;
  return {
    ...manifest,
    ...(platform === undefined
      ? {}
      : { Platform: { ...manifest.Platform, architecture: platform.architecture } }),
    ...(manifest.Lifecycle === undefined ? {} : { Lifecycle: located(manifest.Lifecycle, archive.name) }),
    Artifacts: [...(manifest.Artifacts ?? []), ...artifactsOf(archive)],
  };
}

function artifactsOf({ name, plain }: AppArchive): Artifact[] {
  const uri = (file: string): string => `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${file}`;
  return plain?.map((file) => ({ Uri: uri(file) })) ?? [{ Uri: uri(`${name}.zip`), Unarchive: 'ZIP' }];
}

function located(lifecycle: Lifecycle, name: string): Lifecycle {
  const { Setenv, ...steps } = lifecycle;
  const located = Object.fromEntries(
    Object.entries(steps).map(([step, given]) => [
      step,
      typeof given === 'string'
        ? locatedScript(given, name)
        : { ...given, Script: locatedScript(given.Script, name) },
    ]),
  );
  return { ...(Setenv === undefined ? {} : { Setenv }), ...located };
}

function locatedScript(script: string, name: string): string {
  if (!script.includes('APP_FOLDER')) return script;
  return [
    `app="{artifacts:decompressedPath}/${name}"`,
    '[ -d "$app" ] || app="{artifacts:path}"',
    script.replace(FOLDER, () => '$app'),
  ].join('\n');
}
