import type { Manifest } from '../../model/mod.js';
import type { VersionRecord } from './schema.js';

/** What a package asks for itself, as its record keeps it: needed before the package is read again. */
export type Asked = Pick<VersionRecord, 'labels' | 'threads'>;

export function askedBy({ versionLabels, resources }: Manifest): Asked {
  const threads = resources?.threads;
  return {
    ...(versionLabels === undefined ? {} : { labels: versionLabels }),
    ...(threads === undefined ? {} : { threads }),
  };
}
