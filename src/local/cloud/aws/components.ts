import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { EdgeError, isJsonObject, messageOf, type JsonObject } from '../../../core/mod.js';
import semver from 'semver';
import { parseRecipe, readYaml } from '../../../recipe/mod.js';
import type { ComponentStore } from '../../nucleus/mod.js';
import { arnOf, type Account, type Tags } from './account.js';
import { AwsError, invalid, notFound } from './errors.js';
import { parseS3Uri } from './s3-uri.js';

export interface ComponentVersion {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  readonly recipe: JsonObject;
  readonly createdAtMs: number;
  state: 'REQUESTED' | 'DEPLOYABLE' | 'FAILED';
  message: string;
}

/** Gives the file of an S3 object; throws where there is none. */
export type FindObject = (bucket: string, key: string) => string;
/** Whether whoever creates a component may read this object, as Greengrass does in his name. */
export type MayRead = (bucket: string, key: string) => boolean;

/** Source: Greengrass V2's quotas. */
const MAX_RECIPE_BYTES = 16 * 1024;

/** Component versions: accepted at once, checked later, immutable, as Greengrass has them. */
export class Components {
  readonly #byName = new Map<string, Map<string, ComponentVersion>>();
  readonly #account: Account;
  readonly #tags: Tags;
  readonly #findObject: FindObject;
  readonly #delayMs: number;

  constructor(account: Account, tags: Tags, findObject: FindObject, delayMs: number) {
    this.#account = account;
    this.#tags = tags;
    this.#findObject = findObject;
    this.#delayMs = delayMs;
  }

  create(
    recipeText: string,
    tags: Readonly<Record<string, string>> | undefined,
    mayRead: MayRead = () => true,
  ): ComponentVersion {
    const component = this.#read(recipeText);
    this.#checkArtifacts(component, mayRead);
    const versions = this.#byName.get(component.name) ?? new Map<string, ComponentVersion>();
    if (versions.has(component.version)) {
      const resourceId = `${component.name}:${component.version}`;
      throw new AwsError(
        'ConflictException',
        409,
        `Component [${component.name} : ${component.version}] for account [${this.#account.id}] already exists with state: [${versions.get(component.version)?.state}]`,
        {
          resourceId,
          resourceType: 'COMPONENT_VERSION',
        },
      );
    }
    this.#byName.set(component.name, versions.set(component.version, component));
    this.#tags.set(component.arn, tags);
    this.#account.clock.after(this.#delayMs, () => void this.#check(component), { unref: true });
    return component;
  }

  /** What the service does before its answer: looks whether the artifacts are there, as far as the caller can see. */
  #checkArtifacts(component: ComponentVersion, mayRead: MayRead): void {
    for (const artifact of artifactsOf(component.recipe)) {
      const uri = uriOf(artifact);
      if (!uri.startsWith('s3://')) continue;
      const { bucket, key } = parseS3Uri(uri);
      if (!mayRead(bucket, key) || !this.#isThere(bucket, key)) {
        const problem = `{${uri} = Specified artifact resource cannot be accessed}`;
        throw invalid(
          'greengrassv2',
          `Invalid Input: Encountered following errors in Artifacts: ${problem}`,
          'inlineRecipe',
        );
      }
    }
  }

  #isThere(bucket: string, key: string): boolean {
    try {
      return this.#findObject(bucket, key) !== '';
    } catch {
      return false;
    }
  }

  /** The name in a recipe's text; empty where it is no recipe. */
  nameIn(recipeText: string): string {
    try {
      return this.#read(recipeText).name;
    } catch {
      return '';
    }
  }

  #read(recipeText: string): ComponentVersion {
    if (Buffer.byteLength(recipeText) > MAX_RECIPE_BYTES)
      throw invalid(
        'greengrassv2',
        `Invalid Input: the recipe is larger than ${MAX_RECIPE_BYTES} bytes`,
        'inlineRecipe',
      );
    try {
      const { ComponentName: name, ComponentVersion: version } = parseRecipe(recipeText);
      const recipe = readYaml(recipeText, 'the recipe');
      if (!isJsonObject(recipe)) throw new Error('The recipe is no object');
      return {
        arn: arnOf(this.#account, 'greengrass', `components:${name}:versions:${version}`),
        name,
        version,
        recipe,
        createdAtMs: this.#account.clock.wallMs(),
        state: 'REQUESTED',
        message: 'NONE',
      };
    } catch (error) {
      throw invalid('greengrassv2', messageOf(error), 'inlineRecipe');
    }
  }

  /** What the service does after its answer: reads each artifact and writes its digest into the recipe. */
  async #check(component: ComponentVersion): Promise<void> {
    try {
      for (const artifact of artifactsOf(component.recipe)) {
        if (!uriOf(artifact).startsWith('s3://')) continue;
        const { bucket, key } = parseS3Uri(uriOf(artifact));
        const hash = createHash('sha256');
        await pipeline(createReadStream(this.#findObject(bucket, key)), hash);
        artifact['Digest'] = hash.digest('base64');
        artifact['Algorithm'] = 'SHA-256';
      }
      component.state = 'DEPLOYABLE';
    } catch (error) {
      component.state = 'FAILED';
      component.message = `Cannot read an artifact: ${messageOf(error)}`;
    }
  }

  find(arn: string): ComponentVersion {
    const match = /:components:([^:]+):versions:([^:]+)$/.exec(arn);
    const found = this.get(match?.[1] ?? '', match?.[2] ?? '');
    if (found === undefined) throw notFound('greengrassv2', 'Component version', arn);
    return found;
  }

  get(name: string, version: string): ComponentVersion | undefined {
    return this.#byName.get(name)?.get(version);
  }

  /** Highest version first. */
  versions(name: string): readonly ComponentVersion[] {
    return [...(this.#byName.get(name)?.values() ?? [])].sort((a, b) =>
      semver.rcompare(a.version, b.version),
    );
  }

  names(): readonly string[] {
    return [...this.#byName.keys()].sort();
  }

  delete(arn: string): void {
    const component = this.find(arn);
    this.#byName.get(component.name)?.delete(component.version);
  }

  nameOfArn(arn: string): string {
    return /:components:([^:]+)$/.exec(arn)?.[1] ?? '';
  }

  /** What a nucleus installs from: deployable versions only. */
  store(download: (uri: string, destination: string) => Promise<void>): ComponentStore {
    const find = (name: string, version: string): ComponentVersion => {
      const found = this.get(name, version);
      if (found === undefined || found.state !== 'DEPLOYABLE') {
        throw new EdgeError(
          'COMPONENT_NOT_FOUND',
          `Cannot find the component ${name} ${version} in the local cloud`,
        );
      }
      return found;
    };
    return {
      versions: async (name) =>
        this.versions(name)
          .filter((one) => one.state === 'DEPLOYABLE')
          .map((one) => one.version),
      recipe: async (name, version) => JSON.stringify(find(name, version).recipe),
      fetchArtifact: async (name, version, uri, destination) => {
        find(name, version);
        await download(uri, destination);
      },
    };
  }
}

/** A recipe's field as text; empty where it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function uriOf(artifact: JsonObject): string {
  return textOf(artifact['Uri'] ?? artifact['URI']);
}

function artifactsOf(recipe: JsonObject): JsonObject[] {
  const manifests = recipe['Manifests'];
  if (!Array.isArray(manifests)) return [];
  return manifests.flatMap((manifest) => {
    const artifacts = isJsonObject(manifest) ? manifest['Artifacts'] : undefined;
    return Array.isArray(artifacts) ? artifacts.filter(isJsonObject) : [];
  });
}
