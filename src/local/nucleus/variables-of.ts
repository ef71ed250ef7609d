import type { JsonObject } from '../../core/mod.js';
import type { Variables, VariableScope } from '../../recipe/mod.js';
import type { Definition } from './definition.js';
import type { RootPaths } from './paths.js';

export interface VariableSource {
  readonly paths: RootPaths;
  readonly thingName: string;
  readonly configuration: (component: string) => JsonObject | undefined;
  readonly version: (component: string) => string | undefined;
}

/** What recipe variables stand for in one component's recipe. */
export function variablesOf({ name, version, dependencies }: Definition, source: VariableSource): Variables {
  const { paths, thingName } = source;
  const others: Record<string, VariableScope> = {};
  for (const dependency of dependencies.keys()) {
    const theirs = source.version(dependency);
    if (theirs !== undefined) others[dependency] = scopeOf(dependency, theirs, source);
  }
  return { ...scopeOf(name, version, source), kernelRootPath: paths.root, thingName, dependencies: others };
}

function scopeOf(name: string, version: string, { paths, configuration }: VariableSource): VariableScope {
  return {
    artifactsPath: paths.artifacts(name, version),
    decompressedPath: paths.unarchived(name, version),
    workPath: paths.work(name),
    configuration: configuration(name) ?? {},
  };
}
