import { sha256Hex } from '../../system/mod.js';

/** Where objects go and how they are cut; stands in each segment's header, so that a later change of configuration moves nothing. */
export interface ObjectLayout {
  /** First part of each key, without slashes at its ends; empty for none. */
  readonly prefix: string;
  readonly fleet: string;
  /** `deviceId` of the records. */
  readonly device: string;
  /** Records per object at most. */
  readonly batchSize: number;
  /** Values above this go to files of their own, bytes. */
  readonly embedLimitBytes: number;
  /** Stands before the key in a `data-ref`, such as `s3://bucket/`; empty: the key alone. */
  readonly referenceBase: string;
}

/**
 * A moment of one boot at which wall and monotonic time were known and the wall clock was right: what was
 * recorded in that boot before the clock was set gets its time from it.
 */
export interface TimeReference {
  readonly bootId: string;
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface PlannedRecord {
  readonly ordinal: number;
  readonly captureId: string;
  readonly model: string;
  readonly timeMs: number;
  readonly digest: string;
}

export interface PlannedObject {
  readonly key: string;
  /** Ordinals of the record frames, in order. */
  readonly ordinals: readonly number[];
  readonly captureIds: readonly string[];
}

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The inference's wall time, corrected where the clock was wrong then and is known now. */
export function inferenceTimeMs(
  record: {
    readonly inferenceTimeMs: number;
    readonly clockSynchronised: boolean;
    readonly bootId: string;
    readonly monotonicMs: number;
  },
  reference: TimeReference | undefined,
): number {
  const corrected =
    record.clockSynchronised || reference === undefined || reference.bootId !== record.bootId
      ? record.inferenceTimeMs
      : reference.wallMs - (reference.monotonicMs - record.monotonicMs);
  return Math.min(LAST_MS, Math.max(0, Math.floor(corrected)));
}

/**
 * Cuts a segment's records into objects: one per model and UTC hour, at most `batchSize` records each, in
 * order. The name comes from the records' digests, so the same records always make the same key.
 */
export function planObjects(layout: ObjectLayout, records: readonly PlannedRecord[]): PlannedObject[] {
  const groups = new Map<string, PlannedRecord[]>();
  for (const record of records) {
    const folder = objectFolder(layout, record.model, record.timeMs);
    const group = groups.get(folder);
    if (group === undefined) groups.set(folder, [record]);
    else group.push(record);
  }
  return [...groups].flatMap(([folder, group]) => {
    const objects: PlannedObject[] = [];
    for (let start = 0; start < group.length; start += layout.batchSize) {
      const part = group.slice(start, start + layout.batchSize);
      const name = sha256Hex(...part.map(({ digest }) => digest)).slice(0, 32);
      objects.push({
        key: `${folder}${name}.jsonl`,
        ordinals: part.map(({ ordinal }) => ordinal),
        captureIds: part.map(({ captureId }) => captureId),
      });
    }
    return objects;
  });
}

/** `<prefix>/<fleet>/<model>/YYYY/MM/DD/HH/`, as Edge Manager's consumers look for it. */
function objectFolder(layout: ObjectLayout, model: string, timeMs: number): string {
  const hour = new Date(timeMs).toISOString().slice(0, 13).replace('T', '/').replaceAll('-', '/');
  return [layout.prefix, safe(layout.fleet), safe(model), hour, '']
    .filter((part, at) => at > 0 || part !== '')
    .join('/');
}

function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
