import { join } from '../../disk/mod.js';

/** The folders of a spool. */
export interface SpoolFolders {
  readonly root: string;
  readonly open: string;
  readonly closed: string;
  readonly done: string;
  readonly claims: string;
  readonly quarantine: string;
  readonly counts: string;
}

export function spoolFolders(root: string): SpoolFolders {
  return {
    root,
    open: join(root, 'open'),
    closed: join(root, 'closed'),
    done: join(root, 'done'),
    claims: join(root, 'claims'),
    quarantine: join(root, 'quarantine'),
    counts: join(root, 'counts'),
  };
}
