import { messageOf } from '../core/mod.js';
import { STEP_NAMES, type Lifecycle, type Recipe } from './schema.js';
import { selectManifest } from './select.js';
import { stepOf } from './steps.js';
import { interpolate, type Variables } from './variables.js';
import { checkRequirement } from './versions.js';

/**
 * Why a recipe that is valid would fail on nucleus lite, one sentence each; empty for one that runs on both nuclei.
 * For builds: AWS and gdk accept such recipes, and the device finds out.
 * Source: lite's recipe.c, runner.c and semver.c, 2.6.0.
 */
export function problemsOnLite(recipe: Recipe): string[] {
  const problems: string[] = [];
  const { ComponentType: type = 'aws.greengrass.generic' } = recipe;
  if (type !== 'aws.greengrass.generic') problems.push(`ComponentType ${type} is nothing that lite runs`);
  for (const [name, { VersionRequirement, DependencyType }] of Object.entries(
    recipe.ComponentDependencies ?? {},
  )) {
    collect(problems, () => checkRequirement(VersionRequirement, 'lite'));
    if (DependencyType === undefined) {
      problems.push(`The dependency on ${name} has no DependencyType: lite then starts in any order`);
    }
  }
  for (const architecture of architecturesOf(recipe)) {
    collect(problems, () => {
      const { lifecycle } = selectManifest(recipe, { os: 'linux', architecture }, 'lite');
      problems.push(...stepProblems(recipe, lifecycle));
    });
  }
  if (recipe.Manifests.some(({ Artifacts }) => Artifacts === undefined)) {
    problems.push('A manifest has no Artifacts: lite wants the list, though it be empty');
  }
  return [...new Set(problems)];
}

/** The architectures that the manifests name; any one stands for all where they name none. */
function architecturesOf(recipe: Recipe): readonly string[] {
  const named = recipe.Manifests.map(({ Platform }) => Platform?.architecture ?? '*').filter(
    (architecture) => architecture !== '*',
  );
  return named.length === 0 ? ['amd64'] : named;
}

function stepProblems(recipe: Recipe, lifecycle: Lifecycle): string[] {
  const steps = STEP_NAMES.filter((name) => lifecycle[name] !== undefined);
  if (!steps.some((name) => name !== 'shutdown' && name !== 'recover')) {
    return ['The lifecycle has no install, run or startup: lite refuses such a component'];
  }
  return steps.flatMap((name) => {
    const script = stepOf(lifecycle, name)?.script ?? '';
    const [cut] = interpolate(script, variablesOf(recipe), 'lite').unresolved;
    if (cut === undefined) return [];
    const shown = cut.length > 40 ? `${cut.slice(0, 37)}...` : cut;
    return [`The ${name} script is cut at "${shown}": lite takes every "{" for a recipe variable`];
  });
}

/** Only whether a placeholder stands for something matters here, not for what. */
function variablesOf(recipe: Recipe): Variables {
  const configuration = (recipe.ComponentConfiguration?.DefaultConfiguration ??
    {}) as Variables['configuration'];
  return {
    artifactsPath: '/',
    decompressedPath: '/',
    workPath: '/',
    kernelRootPath: '/',
    thingName: 'thing',
    configuration,
    dependencies: {},
  };
}

function collect(problems: string[], check: () => void): void {
  try {
    check();
  } catch (error) {
    problems.push(messageOf(error));
  }
}
