import semver from 'semver';
import { EdgeError } from '../../src/core/mod.js';
import type { ComponentTarget, PublishedComponent } from '../cloud/components/mod.js';
import { TAGS } from './tags.js';
import { tagsOf, type RegistrySource } from './untagged.js';

/** One published version of a model, as its tags tell, or its manifest where it has none. */
export interface ModelVersion {
  readonly model: string;
  readonly version: string;
  readonly component: string;
  readonly componentVersion: string;
  readonly state: string;
  readonly publishedAt: string;
  readonly digest: string;
  readonly selfTest: string;
  readonly commit?: string;
  readonly repository?: string;
  readonly trainingJob?: string;
  readonly data?: string;
  readonly modelPackage?: string;
  readonly approval?: string;
  readonly sourceSha256?: string;
}

export interface ModelHistory {
  /** Newest component version first. */
  readonly versions: readonly ModelVersion[];
  readonly deployedTo: readonly ComponentTarget[];
}

/** The newest published version of each model. */
export async function listModels(source: RegistrySource): Promise<readonly ModelVersion[]> {
  const models: ModelVersion[] = [];
  for (const name of await source.components.componentNames()) {
    const newest = (await sorted(source, name))[0];
    const model = newest === undefined ? undefined : await modelAt(source, newest.arn);
    if (model !== undefined) models.push(model);
  }
  return models.sort((a, b) => (a.model < b.model ? -1 : 1));
}

/**
 * All published versions of one model and where they are deployed.
 * @param name the model's name or its component's
 */
export async function modelHistory(source: RegistrySource, name: string): Promise<ModelHistory> {
  const component = await componentOf(source, name);
  const versions: ModelVersion[] = [];
  for (const { arn } of await sorted(source, component)) {
    const model = await modelAt(source, arn);
    if (model !== undefined) versions.push(model);
  }
  if (versions.length === 0) throw unknownModel(name);
  return { versions, deployedTo: await source.components.targetsOf(component) };
}

/**
 * @param version of the model or of its component; without it the newest
 * @throws EdgeError NOT_FOUND
 */
export function versionIn(
  versions: readonly ModelVersion[],
  name: string,
  version: string | undefined,
): ModelVersion {
  const found =
    version === undefined
      ? versions[0]
      : versions.find((one) => one.version === version || one.componentVersion === version);
  if (found !== undefined) return found;
  throw new EdgeError(
    'VERSION_NOT_FOUND',
    `Cannot find the version ${version} of ${name}: published are ${versions.map((one) => one.version).join(', ')}`,
  );
}

async function componentOf(source: RegistrySource, name: string): Promise<string> {
  const names = await source.components.componentNames();
  const direct = [name, `org.edgemanager.model.${name}`].find((one) => names.includes(one));
  if (direct !== undefined) return direct;
  const named = (await listModels(source)).find((one) => one.model === name);
  if (named === undefined) throw unknownModel(name);
  return named.component;
}

function unknownModel(name: string): EdgeError {
  return new EdgeError('MODEL_NOT_FOUND', `Cannot find the model ${name} among the published components`, {
    nextStep: 'See edge-manager models list',
  });
}

async function sorted(
  source: RegistrySource,
  name: string,
): Promise<readonly { version: string; arn: string }[]> {
  return (await source.components.versionsOf(name)).toSorted((a, b) => semver.rcompare(a.version, b.version));
}

async function modelAt(source: RegistrySource, arn: string): Promise<ModelVersion | undefined> {
  const found = await source.components.component(arn);
  return found === undefined ? undefined : asModel({ ...found, tags: await tagsOf(found, source) });
}

function asModel({ name, version, state, createdAtMs, tags }: PublishedComponent): ModelVersion | undefined {
  const model = tags[TAGS.model];
  if (model === undefined) return undefined;
  const optional = {
    commit: tags[TAGS.commit],
    repository: tags[TAGS.repository],
    trainingJob: tags[TAGS.trainingJob],
    data: tags[TAGS.data],
    modelPackage: tags[TAGS.modelPackage],
    approval: tags[TAGS.approval],
    sourceSha256: tags[TAGS.source],
  };
  return {
    model,
    version: tags[TAGS.version] ?? version,
    component: name,
    componentVersion: version,
    state,
    publishedAt: new Date(createdAtMs).toISOString(),
    digest: tags[TAGS.digest] ?? '',
    selfTest: tags[TAGS.selfTest] ?? '',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}
