import semver from 'semver';
import { EdgeError, toEdgeError, type Clock } from '../../src/core/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { fillRecipe, renderDocument } from '../../src/recipe/mod.js';
import { sha256Hex } from '../../src/system/mod.js';
import type { ArtifactStore, ComponentCloud, PublishedComponent } from '../cloud/components/mod.js';
import type { ComponentBuild } from './read-build.js';
import { modelTags, TAGS } from './tags.js';

const POLL_MS = { first: 200, longest: 5000 };

export interface PublishOptions {
  readonly build: ComponentBuild;
  readonly bucket: string;
  /** Default: the recipe's version, or the next patch version where the build leaves it open. */
  readonly version?: string;
  readonly components: ComponentCloud;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  /** How long AWS may take to check the version. */
  readonly timeoutMs: number;
  readonly onStep?: (sentence: string) => void;
}

export interface PublishResult {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  /** `already-published`: this very content was there; nothing was changed. */
  readonly outcome: 'published' | 'already-published';
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Publishes a build as a component version. Safe to repeat after a failure at any step:
 *
 * - Artifacts lie under their own digest and are written only where nothing is, so no published version's bytes
 *   can change, and what an interrupted run uploaded is found again.
 * - The version carries the digest of its whole content as a tag from its first moment. An existing version with
 *   that content is the one that is wanted; one with another content is never touched.
 * - A version that AWS found FAILED was never deployable: with the same content it is removed and made anew.
 */
export async function publish(options: PublishOptions): Promise<PublishResult> {
  const { build, components, onStep = () => undefined } = options;
  const name = build.recipe.ComponentName;
  const existing = await components.versionsOf(name);
  const version = await chooseVersion(options, existing);
  const former = existing.find((one) => one.version === version);
  if (former !== undefined) {
    const found = await components.component(former.arn);
    if (found !== undefined) {
      refuseOther(found, build);
      if (found.state !== 'FAILED') return await finish(options, found.arn, version, 'already-published');
      onStep(`Removing ${name} ${version}, which failed before`);
      await components.deleteComponent(found.arn);
    }
  }
  const recipe = renderDocument(await upload(options, version), name);
  const tags = { ...(build.model === undefined ? {} : modelTags(build.model.manifest, build.model.digest)) };
  const given = { recipe, tags: { ...tags, [TAGS.content]: build.content } };
  const arn = await create(options, version, given);
  return await finish(options, arn, version, 'published');
}

async function chooseVersion(
  { build, version, components }: PublishOptions,
  existing: readonly { readonly version: string; readonly arn: string }[],
): Promise<string> {
  if (version !== undefined) {
    if (semver.valid(version) === version) return version;
    throw new EdgeError(
      'VERSION_INVALID',
      `Cannot publish as the version must be a semantic version such as 1.2.3: current value is ${version}`,
    );
  }
  if (!build.isVersionOpen) return build.recipe.ComponentVersion;
  const newest = existing.toSorted((a, b) => semver.rcompare(a.version, b.version))[0];
  if (newest === undefined) return build.recipe.ComponentVersion;
  // Otherwise a run that is repeated after success would publish the same content again under the next number.
  const found = await components.component(newest.arn);
  if (found?.tags[TAGS.content] === build.content) return newest.version;
  return semver.inc(newest.version, 'patch') ?? newest.version;
}

function refuseOther(found: PublishedComponent, build: ComponentBuild): void {
  if (found.tags[TAGS.content] === build.content) return;
  throw new EdgeError(
    'VERSION_PUBLISHED',
    `Cannot publish ${found.name} ${found.version} as that version exists with another content`,
    { nextStep: 'Raise the version: a published version never changes' },
  );
}

/** @returns the recipe with version and artifact URIs filled in */
async function upload(
  { build, bucket, artifacts, onStep }: PublishOptions,
  version: string,
): Promise<JsonObject> {
  const name = build.recipe.ComponentName;
  if (build.files.length > 0) await artifacts.checkBucket(bucket);
  const uris = new Map<string, string>();
  for (const file of build.files) {
    const key = `${name}/${file.sha256}/${file.name}`;
    const isNew = await artifacts.put(bucket, key, file);
    onStep?.(`${isNew ? 'Uploaded' : 'Found'} s3://${bucket}/${key}`);
    uris.set(file.name, `s3://${bucket}/${key}`);
  }
  return fillRecipe(
    build.document,
    version,
    (written) => uris.get(written.slice(written.lastIndexOf('/') + 1)) ?? written,
  );
}

async function create(
  { build, components, clock }: PublishOptions,
  version: string,
  { recipe, tags }: { readonly recipe: string; readonly tags: Readonly<Record<string, string>> },
): Promise<string> {
  // A token of this run: for eight hours AWS answers a former one with the version that it made then, removed or not.
  const clientToken = sha256Hex(`${clock.wallMs()}\n${recipe}`);
  try {
    return await components.createComponent({ recipe, tags, clientToken });
  } catch (thrown) {
    const error = toEdgeError(thrown);
    if (error.code !== 'ALREADY_EXISTS') throw error;
    // Somebody was quicker, or the answer to our own call was lost.
    const versions = await components.versionsOf(build.recipe.ComponentName);
    const arn = versions.find((one) => one.version === version)?.arn;
    const found = arn === undefined ? undefined : await components.component(arn);
    if (found === undefined) throw error;
    refuseOther(found, build);
    return found.arn;
  }
}

/** Waits until AWS has checked the version. */
async function finish(
  { build, components, clock, timeoutMs, onStep }: PublishOptions,
  arn: string,
  version: string,
  outcome: PublishResult['outcome'],
): Promise<PublishResult> {
  const name = build.recipe.ComponentName;
  const endsAtMs = clock.monotonicMs() + timeoutMs;
  for (let delayMs = POLL_MS.first; ; delayMs = Math.min(POLL_MS.longest, delayMs * 2)) {
    const found = await components.component(arn);
    if (found?.state === 'DEPLOYABLE') {
      onStep?.(`${name} ${version} is deployable`);
      return { arn, name, version, outcome, tags: found.tags };
    }
    if (found?.state === 'FAILED') {
      throw new EdgeError('PUBLISH_FAILED', `Cannot publish ${name} ${version}: ${found.message}`, {
        nextStep: 'Repair what the message names, then start the same command again',
      });
    }
    if (clock.monotonicMs() + delayMs > endsAtMs) {
      throw new EdgeError(
        'PUBLISH_UNFINISHED',
        `Cannot publish ${name} ${version} within ${timeoutMs / 1000} s as AWS is still checking it`,
        { nextStep: 'Start the same command again: it goes on where it stopped' },
      );
    }
    await clock.sleep(delayMs);
  }
}
