import { EdgeError } from '../../core/mod.js';
import { matching, satisfies } from '../../recipe/mod.js';
import type { ComponentStore, Profile } from './api/mod.js';
import { definitionOf, type Definition } from './definition.js';

/** Components that the nucleus itself is made of: they satisfy dependencies and are never deployed. */
export const NUCLEUS_VERSIONS: Readonly<Record<Profile, string>> = { nucleus: '2.18.0', lite: '2.6.0' };
export const NUCLEUS_NAMES: Readonly<Record<Profile, string>> = {
  nucleus: 'aws.greengrass.Nucleus',
  lite: 'aws.greengrass.NucleusLite',
};
export const TOKEN_EXCHANGE = 'aws.greengrass.TokenExchangeService';

/** Version of a built-in component; "any" for the other nucleus, whose version means nothing here. */
function builtInVersion(name: string, profile: Profile): string | undefined {
  if (name === TOKEN_EXCHANGE) return '2.0.3';
  if (name === NUCLEUS_NAMES[profile]) return NUCLEUS_VERSIONS[profile];
  return name === NUCLEUS_NAMES.nucleus || name === NUCLEUS_NAMES.lite ? 'any' : undefined;
}

/**
 * The versions that a set of root components needs: for each component the highest that all requirements allow,
 * in start order (dependencies first).
 * @throws EdgeError FAILED_PRECONDITION where no version fits, NOT_FOUND for an unknown component
 */
export async function resolve(
  roots: Readonly<Record<string, string>>,
  store: ComponentStore,
  profile: Profile,
): Promise<readonly Definition[]> {
  let chosen = new Map<string, Definition>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const requirements = requirementsOf(roots, chosen);
    const next = new Map<string, Definition>();
    for (const [name, wanted] of requirements) {
      const definition = await choose(name, wanted, store, profile, chosen.get(name));
      if (definition !== undefined) next.set(name, definition);
    }
    const isStable =
      next.size === chosen.size &&
      [...next].every(([name, { version }]) => chosen.get(name)?.version === version);
    if (isStable) return inStartOrder(next);
    chosen = next;
  }
  throw new EdgeError(
    'DEPENDENCIES_UNMET',
    `No versions fit together: what ${[...chosen.keys()].join(', ')} require of each other changes with each choice`,
    { nextStep: 'Name one of them in the deployment, with the version that it should have' },
  );
}

/** A choice may bring requirements that undo it, and so on; a set that settles does so within its depth. */
const MAX_ROUNDS = 50;

interface Requirement {
  readonly by: string;
  readonly range: string;
}

function requirementsOf(
  roots: Readonly<Record<string, string>>,
  chosen: ReadonlyMap<string, Definition>,
): Map<string, Requirement[]> {
  const all = new Map<string, Requirement[]>();
  const add = (name: string, requirement: Requirement): void => {
    all.set(name, [...(all.get(name) ?? []), requirement]);
  };
  for (const [name, version] of Object.entries(roots)) add(name, { by: 'the deployment', range: version });
  for (const { name, dependencies } of chosen.values()) {
    for (const [dependency, { requirement }] of dependencies)
      add(dependency, { by: name, range: requirement });
  }
  return all;
}

async function choose(
  name: string,
  wanted: readonly Requirement[],
  store: ComponentStore,
  profile: Profile,
  present: Definition | undefined,
): Promise<Definition | undefined> {
  const builtIn = builtInVersion(name, profile);
  if (builtIn === 'any') return undefined;
  const versions = builtIn === undefined ? await store.versions(name) : [builtIn];
  const ranges = wanted.map(({ range }) => range);
  const [version] = matching(versions, ranges, profile);
  if (version === undefined) throw noVersion(name, wanted, versions, profile);
  if (builtIn !== undefined) return undefined;
  if (present?.version === version) return present;
  return definitionOf(name, version, await store.recipe(name, version), profile);
}

function noVersion(
  name: string,
  wanted: readonly Requirement[],
  versions: readonly string[],
  profile: Profile,
): EdgeError {
  if (versions.length === 0) {
    return new EdgeError(
      'COMPONENT_NOT_FOUND',
      `Cannot find the component ${name}, wanted by ${wanted[0]?.by}`,
    );
  }
  const unmet = wanted.filter(({ range }) => !versions.some((version) => satisfies(version, range, profile)));
  const shown = (unmet.length > 0 ? unmet : wanted)
    .map(({ by, range }) => `"${range}" of ${by}`)
    .join(' and ');
  return new EdgeError(
    'DEPENDENCIES_UNMET',
    `No version of ${name} satisfies ${shown}: there are ${versions.join(', ')}`,
  );
}

/** Dependencies before those that need them. @throws EdgeError FAILED_PRECONDITION for a circle */
export function inStartOrder<D extends Pick<Definition, 'name' | 'dependencies'>>(
  definitions: ReadonlyMap<string, D>,
): D[] {
  const ordered: D[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (definition: D, path: readonly string[]): void => {
    const { name } = definition;
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      throw new EdgeError(
        'DEPENDENCIES_UNMET',
        `Cannot order the components as they depend on each other: ${[...path, name].join(' -> ')}`,
      );
    }
    state.set(name, 'open');
    for (const dependency of definition.dependencies.keys()) {
      const found = definitions.get(dependency);
      if (found !== undefined) visit(found, [...path, name]);
    }
    state.set(name, 'done');
    ordered.push(definition);
  };
  for (const definition of definitions.values()) visit(definition, []);
  return ordered;
}
