import { EdgeError } from '../core/mod.js';
import type { RecipeProfile } from './parse.js';
import type { Artifact, Lifecycle, Manifest, PlatformRequirement, Recipe } from './schema.js';

/** What a device says of itself: `os`, `architecture`, `architecture.detail`, `runtime`. */
export type Platform = Readonly<Record<string, string>>;

/** The part of a recipe that holds for one device. */
export interface SelectedManifest {
  readonly lifecycle: Lifecycle;
  readonly artifacts: readonly Artifact[];
}

/**
 * The first manifest that fits the platform, with its own lifecycle or the recipe-wide one that it selects.
 * @throws EdgeError FAILED_PRECONDITION "No lifecycle was found ..." where none fits
 */
export function selectManifest(recipe: Recipe, platform: Platform, profile: RecipeProfile): SelectedManifest {
  for (const manifest of recipe.Manifests) {
    const fits =
      profile === 'nucleus' || manifest.Platform !== undefined
        ? fitsPlatform(manifest.Platform ?? {}, platform, profile)
        : refuseNoPlatform(recipe);
    if (!fits) continue;
    const lifecycle = lifecycleOf(recipe, manifest, profile);
    if (lifecycle === undefined) continue;
    return { lifecycle, artifacts: manifest.Artifacts ?? [] };
  }
  throw new EdgeError(
    'COMPONENT_NOT_DEPLOYABLE',
    `No lifecycle was found for ${recipe.ComponentName} ${recipe.ComponentVersion} on ${describe(platform)}`,
    {
      field: 'Manifests',
      nextStep:
        profile === 'lite'
          ? `Set 'runtime: "*"' in the manifest's Platform: nucleus lite skips manifests without it`
          : 'Add a manifest whose Platform fits this device',
    },
  );
}

/** Whether a manifest with this Platform is one for the device; what a nucleus then makes of it comes after. */
export function fitsPlatform(
  wanted: PlatformRequirement,
  platform: Platform,
  profile: RecipeProfile,
): boolean {
  return profile === 'nucleus' ? fitsNucleus(wanted, platform) : fitsLite(wanted, platform);
}

function fitsNucleus(required: PlatformRequirement, platform: Platform): boolean {
  return Object.entries(required).every(([key, wanted]) => {
    if (wanted === undefined || wanted === '*') return true;
    const actual = platform[key];
    if (actual === undefined || actual === '') return false;
    if (/^\/.*\/$/.test(wanted)) return new RegExp(`^(?:${wanted.slice(1, -1)})$`).test(actual);
    if ((key === 'os' || key === 'architecture') && (wanted === 'all' || wanted === 'any')) return true;
    return wanted === actual;
  });
}

/** Nucleus lite compares without patterns, needs a platform and a runtime, and skips a manifest without `os`. */
function fitsLite({ runtime, os, architecture }: PlatformRequirement, platform: Platform): boolean {
  if (runtime !== '*' && runtime !== 'aws_nucleus_lite') return false;
  if (os === undefined || !(os === '*' || os === 'all' || os === platform['os'])) return false;
  return architecture === undefined || architecture === '*' || architecture === platform['architecture'];
}

function refuseNoPlatform(recipe: Recipe): never {
  throw new EdgeError(
    'COMPONENT_NOT_DEPLOYABLE',
    `No lifecycle was found for ${recipe.ComponentName} ${recipe.ComponentVersion} as a manifest has no Platform`,
    { field: 'Manifests', nextStep: `Set 'os' and 'runtime: "*"' in the manifest's Platform` },
  );
}

function lifecycleOf(recipe: Recipe, manifest: Manifest, profile: RecipeProfile): Lifecycle | undefined {
  const own = manifest.Lifecycle;
  if (own !== undefined && Object.keys(own).length > 0) return own;
  const wanted = manifest.Selections ?? [];
  const selections = wanted.length === 0 ? ['all'] : [...wanted, ...(profile === 'nucleus' ? ['all'] : [])];
  const shared = selections
    .filter((name) => profile === 'nucleus' || name === 'all' || name === 'linux')
    .map((name) => recipe.Lifecycle?.[name])
    .find((lifecycle) => lifecycle !== undefined);
  if (shared !== undefined) return shared;
  // A component of artifacts or dependencies only is whole on the Java nucleus; lite wants a lifecycle.
  return profile === 'nucleus' ? (own ?? {}) : undefined;
}

function describe(platform: Platform): string {
  return Object.entries(platform)
    .map(([key, value]) => `${key} "${value}"`)
    .join(', ');
}
