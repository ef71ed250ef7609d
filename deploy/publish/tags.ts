import type { Manifest } from '../../src/model/mod.js';

/** Tags of a published component version: the registry is made of them. */
export const TAGS = {
  /** SHA-256 over the recipe and every artifact: two builds of one content have one. */
  content: 'edge-manager:content',
  model: 'edge-manager:model',
  version: 'edge-manager:model-version',
  digest: 'edge-manager:package-digest',
  commit: 'edge-manager:commit',
  repository: 'edge-manager:repository',
  trainingJob: 'edge-manager:training-job',
  data: 'edge-manager:data',
  modelPackage: 'edge-manager:model-package',
  approval: 'edge-manager:approval',
  source: 'edge-manager:source-sha256',
  selfTest: 'edge-manager:self-test',
} as const;

/** AWS takes at most this many characters in a tag's value, and few kinds of them. */
const VALUE_MAX_CHARS = 256;

/** A text as AWS takes it: other characters become `_`, what is longer is cut. */
export function tagValue(text: string): string {
  return text.replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_').slice(0, VALUE_MAX_CHARS);
}

/** What a model package says of its origin, as tags. */
export function modelTags(manifest: Manifest, digest: string): Record<string, string> {
  const { provenance = {} } = manifest;
  const values: Record<string, string | undefined> = {
    [TAGS.model]: manifest.name,
    [TAGS.version]: manifest.version,
    [TAGS.digest]: digest,
    [TAGS.selfTest]: manifest.selfTest.outcome,
    [TAGS.commit]: provenance.commit,
    [TAGS.repository]: provenance.repository,
    [TAGS.trainingJob]: provenance.trainingJob,
    [TAGS.data]: provenance.data?.join(' '),
    [TAGS.modelPackage]: provenance.modelPackageArn,
    [TAGS.approval]: provenance.approval?.status,
    [TAGS.source]: provenance.sourceSha256,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[key, tagValue(value)]],
    ),
  );
}
