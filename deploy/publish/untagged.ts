import { MANIFEST_FILE, parseManifest, sha256Hex } from '../../src/model/mod.js';
import { parseRecipe } from '../../src/recipe/mod.js';
import type { ArtifactStore, ComponentCloud, PublishedComponent } from '../cloud/components/mod.js';
import { modelTags, TAGS } from './tags.js';

/** Where the registry of models reads. */
export interface RegistrySource {
  readonly components: Pick<
    ComponentCloud,
    'componentNames' | 'versionsOf' | 'component' | 'recipe' | 'targetsOf'
  >;
  readonly artifacts: Pick<ArtifactStore, 'get'>;
}

const MANIFEST_MAX_BYTES = 16 * 1024 * 1024;
const MODEL_COMPONENT = /^org\.edgemanager\.model\.(.+)$/;

/**
 * The tags that this project's own publish would have given to a version which gdk published: gdk gives none.
 * They are read from the manifest among the version's artifacts. Where that cannot be read, the component's name
 * still tells which model it is.
 * @returns no tags where the component is no model
 */
export async function tagsOf(
  component: PublishedComponent,
  source: RegistrySource,
): Promise<Readonly<Record<string, string>>> {
  const { tags, name, arn } = component;
  if (tags[TAGS.model] !== undefined || tags[TAGS.content] !== undefined) return tags;
  try {
    const uri = manifestUri((await source.components.recipe(arn)) ?? '');
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri ?? '') ?? [];
    if (key === '') return tags;
    const bytes = await source.artifacts.get(bucket, key, MANIFEST_MAX_BYTES);
    const manifest = parseManifest(bytes);
    // Some other tool's manifest may have the same file name.
    return manifest.componentName === name ? { ...modelTags(manifest, sha256Hex(bytes)), ...tags } : tags;
  } catch {
    const model = MODEL_COMPONENT.exec(name)?.[1];
    return model === undefined ? tags : { [TAGS.model]: model, ...tags };
  }
}

function manifestUri(recipeText: string): string | undefined {
  const uris = parseRecipe(recipeText).Manifests.flatMap(({ Artifacts = [] }) =>
    Artifacts.map(({ Uri }) => Uri),
  );
  return uris.find((uri) => uri.endsWith(`/${MANIFEST_FILE}`));
}
