import type { Manifest } from '../../model/mod.js';
import type { VersionRecord } from './schema.js';

/** What a record keeps of its package's manifest: needed before the package is read again. */
export type Asked = Pick<VersionRecord, 'labels' | 'threads'>;

export function askedBy(manifest: Manifest): Asked {
  const { versionLabels } = manifest;
  const threads = manifest.resources?.threads;
  return {
    ...(versionLabels === undefined ? {} : { labels: versionLabels }),
    ...(threads === undefined ? {} : { threads }),
  };
}
