import type { Priority } from '../captured/priority.js';
import { ClosedSegments } from './closed-segments.js';
import { DiskHealth } from './disk-health.js';
import { Evictor } from './evictor.js';
import { Fates } from './fates.js';
import { FinishedSegments } from './finished-segments.js';
import { Finisher } from './finisher.js';
import { Housekeeping } from './housekeeping.js';
import { KeptDrops } from './kept-drops.js';
import { spoolFolders, type SpoolFolders } from './layout.js';
import { Leftovers } from './leftovers.js';
import type { SpoolSettings } from './options.js';
import { PriorityWriter } from './priority-writer.js';
import { Quarantine } from './quarantine.js';
import { RequeuedCount } from './requeued-count.js';
import { Requeuer } from './requeuer.js';
import { Room } from './room.js';

/** What a spool is made of. Each part calls those above it, none below. */
export interface SpoolParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly health: DiskHealth;
  readonly housekeeping: Housekeeping;
  readonly quarantine: Quarantine;
  readonly keptDrops: KeptDrops;
  readonly fates: Fates;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly finisher: Finisher;
  readonly leftovers: Leftovers;
  readonly requeuer: Requeuer;
  readonly room: Room;
  readonly writers: Readonly<Record<Priority, PriorityWriter>>;
}

export function spoolParts(settings: SpoolSettings): SpoolParts {
  const { disk, log, clock, quarantineBytes, maxRemembered } = settings;
  const folders = spoolFolders(settings.root);
  const housekeeping = new Housekeeping(log);
  const quarantine = new Quarantine(disk, folders.quarantine, quarantineBytes, log);
  const keptDrops = new KeptDrops(disk, folders.counts, log);
  const fates = new Fates({ clock, maxRemembered, kept: keptDrops });
  const closed = new ClosedSegments();
  const finished = new FinishedSegments(settings, folders);
  const common = { settings, folders, fates, closed, finished };
  const finisher = new Finisher({ ...common, quarantine });
  const leftovers = new Leftovers({ ...common, quarantine, housekeeping });
  const requeuedCount = new RequeuedCount(disk, folders.counts);
  const requeuer = new Requeuer({ ...common, quarantine, requeuedCount });
  const evictor = new Evictor(common);
  const room = new Room({ settings, closed, leftovers, evictor, housekeeping });
  const health = new DiskHealth(log);
  const writer = (priority: Priority): PriorityWriter =>
    new PriorityWriter({ settings, folders, fates, closed, leftovers, room, health }, priority);
  const writers = { error: writer('error'), outlier: writer('outlier'), sample: writer('sample') };
  return {
    ...common,
    health,
    housekeeping,
    quarantine,
    keptDrops,
    finisher,
    leftovers,
    requeuer,
    room,
    writers,
  };
}
