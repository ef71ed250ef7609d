import semver from 'semver';
import { EMPTY_REGISTRY, type RegistryState } from './schema.js';
import type { Asked } from './asked.js';
import { promote } from './state.js';

/** A package copy that was found on disk. */
export interface FoundPackage {
  /** The name it serves under. */
  readonly model: string;
  readonly packageName: string;
  readonly version: string;
  readonly digest: string;
  readonly component: string | undefined;
  readonly asked: Asked;
  readonly source: string;
}

/**
 * A registry from package copies alone: the newest of each model serves. Copies of versions that were rolled
 * back are deleted at the rollback, so the newest copy is one that proved itself.
 */
export function rebuildRegistry(found: readonly FoundPackage[]): RegistryState {
  return [...found]
    .filter(({ version }) => semver.valid(version) !== null)
    .sort((a, b) => semver.compare(a.version, b.version))
    .reduce(
      (state, { model, component, asked, ...rest }) =>
        promote(
          state,
          model,
          {
            ...rest,
            ...asked,
            ...(component === undefined ? {} : { component }),
            kept: true,
            admitted: true,
            tries: 0,
          },
          { probation: false },
        ),
      EMPTY_REGISTRY,
    );
}
