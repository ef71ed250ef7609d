import type { JsonObject } from '../../core/mod.js';
import { STEP_NAMES, type Platform, type StepName } from '../../recipe/mod.js';
import { fetchArtifacts } from './artifacts.js';
import type { ComponentStore, DeploymentDocument, Profile } from './api/mod.js';
import { deployedConfiguration } from './configuration.js';
import { selectionOf, type Definition, type Deployed } from './definition.js';
import type { RootPaths } from './paths.js';
import type { PlannedComponent } from './plan.js';
import { prepareStep, type PreparedStep } from './prepared-step.js';
import { resolve } from './resolve.js';
import { variablesOf, type VariableSource } from './variables-of.js';

/** What a deployment wants the device to be. */
export interface Target {
  /** In start order. */
  readonly components: readonly Deployed[];
  readonly configurations: Readonly<Record<string, JsonObject>>;
}

export interface TargetOptions {
  readonly store: ComponentStore;
  readonly profile: Profile;
  readonly platform: Platform;
  readonly paths: RootPaths;
  readonly thingName: string;
  /** The effective configurations of now. */
  readonly present: () => Readonly<Record<string, JsonObject>>;
}

/** Works out configurations on what the device has at the moment of the call. */
export type PreparedTarget = () => Target;

/** Resolves versions and fetches artifacts; the device is as before, whatever happens. */
export async function prepareTarget(
  document: DeploymentDocument,
  options: TargetOptions,
): Promise<PreparedTarget> {
  const { store, profile, platform, paths } = options;
  const roots = Object.fromEntries(
    Object.entries(document.components).map(([name, { componentVersion }]) => [name, componentVersion]),
  );
  const definitions = await resolve(roots, store, profile);
  const selections = definitions.map((definition) => selectionOf(definition, platform, profile));
  for (const [index, { name, version }] of definitions.entries()) {
    const artifacts = selections[index]?.artifacts ?? [];
    await fetchArtifacts({ name, version, artifacts }, store, paths, profile);
  }
  return () => targetNow(document, definitions, options);
}

function targetNow(
  document: DeploymentDocument,
  definitions: readonly Definition[],
  options: TargetOptions,
): Target {
  const { platform, profile } = options;
  const present = options.present();
  const configurations: Record<string, JsonObject> = { ...present };
  for (const { name, defaults } of definitions) {
    const update = document.components[name]?.configurationUpdate;
    configurations[name] = deployedConfiguration(present[name], defaults, update);
  }
  const source = sourceOf(definitions, configurations, options);
  const components = definitions.map((definition) =>
    deployedAs(definition, definition.name in document.components, platform, profile, source),
  );
  return { components, configurations };
}

export function deployedAs(
  definition: Definition,
  isRoot: boolean,
  platform: Platform,
  profile: Profile,
  source: VariableSource,
): Deployed {
  const selection = selectionOf(definition, platform, profile);
  const steps = new Map<StepName, PreparedStep>();
  if (profile === 'nucleus') {
    const variables = variablesOf(definition, source);
    for (const name of STEP_NAMES) {
      const step = prepareStep(selection.lifecycle, name, variables, profile);
      if (step !== undefined) steps.set(name, step);
    }
  }
  return { ...definition, isRoot, selection, steps: profile === 'nucleus' ? steps : undefined };
}

export function sourceOf(
  definitions: readonly Definition[],
  configurations: Readonly<Record<string, JsonObject>>,
  { paths, thingName }: { readonly paths: RootPaths; readonly thingName: string },
): VariableSource {
  return {
    paths,
    thingName,
    configuration: (component) => configurations[component],
    version: (component) => definitions.find(({ name }) => name === component)?.version,
  };
}

/** A component as the plan compares it. */
export function planned({ name, version, steps }: Deployed): PlannedComponent {
  // A changed shutdown script restarts nothing, as on a core.
  const rest = (['startup', 'run', 'recover'] as const).map((step) => steps?.get(step) ?? null);
  return {
    name,
    version,
    installPrint: JSON.stringify(steps?.get('install') ?? null),
    restPrint: JSON.stringify(rest),
  };
}
