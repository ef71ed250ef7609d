import {
  listClosed,
  openSegment,
  parseRecords,
  ReceiptWriter,
  type CaptureRecord,
  type ReceiptObject,
  type SpoolObject,
} from '../../src/capture/mod.js';
import type { Disk } from '../../src/disk/mod.js';

/** A record as it came out at the other end. */
export interface Delivered {
  readonly captureId: string;
  readonly sequence: number;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

export interface Verdict {
  /** Acknowledged, and neither delivered nor dropped by a chosen policy. */
  readonly lost: string[];
  /** Delivered more than once. */
  readonly duplicated: string[];
  /** Delivered but never issued, or with other bytes. */
  readonly corrupt: string[];
}

/** The oracle of every durability test: acked => delivered or counted; delivered => issued; bytes equal. */
export function judge(given: {
  readonly issued: (captureId: string) => CaptureRecord | undefined;
  readonly acked: Iterable<string>;
  readonly delivered: readonly Delivered[];
  readonly dropped?: ReadonlySet<string>;
}): Verdict {
  const counts = new Map<string, number>();
  const corrupt: string[] = [];
  for (const record of given.delivered) {
    counts.set(record.captureId, (counts.get(record.captureId) ?? 0) + 1);
    const issued = given.issued(record.captureId);
    const same =
      issued !== undefined &&
      sameBytes(
        record.inputs,
        issued.inputs.map(({ data }) => data),
      ) &&
      sameBytes(
        record.outputs,
        issued.outputs.map(({ data }) => data),
      );
    if (!same) corrupt.push(record.captureId);
  }
  return {
    lost: [...given.acked].filter((id) => !counts.has(id) && given.dropped?.has(id) !== true),
    duplicated: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    corrupt,
  };
}

export const CLEAN: Verdict = { lost: [], duplicated: [], corrupt: [] };

/** Does what the uploader does: reads every closed segment, stores its objects, writes its receipt. */
export async function deliverAll(
  disk: Disk,
  root: string,
  store: (object: SpoolObject) => Promise<void> = async () => undefined,
  finishedMs = 0,
): Promise<Delivered[]> {
  const delivered: Delivered[] = [];
  for (const name of await listClosed(disk, root)) {
    const segment = await openSegment(disk, root, name);
    const objects: ReceiptObject[] = [];
    const stored: { key: string; bytes: Uint8Array }[] = [];
    for (const object of segment.objects()) {
      await store(object);
      stored.push(object);
      if (object.kind === 'raw') continue;
      const { key, bytes, sha256, captureIds } = object;
      objects.push({
        key,
        sizeBytes: bytes.byteLength,
        sha256,
        captureIds: [...captureIds],
        outcome: 'uploaded',
      });
    }
    delivered.push(...recordsIn(stored));
    await new ReceiptWriter(disk, root).write(name, {
      finishedMs,
      objects,
      lostRecords: segment.lostRecords,
    });
  }
  return delivered;
}

/** The records of stored objects, with the values that lie beside them. */
export function recordsIn(
  objects: readonly { readonly key: string; readonly bytes: Uint8Array }[],
): Delivered[] {
  const byKey = new Map(objects.map(({ key, bytes }) => [key, bytes]));
  const value = (item: { data?: Uint8Array; reference?: string }): Uint8Array =>
    item.data ?? byKey.get(item.reference ?? '') ?? new Uint8Array(0);
  return objects
    .filter(({ key }) => key.endsWith('.jsonl'))
    .flatMap(({ bytes }) => parseRecords(bytes))
    .map((record) => ({
      captureId: record.captureId,
      sequence: record.metadata.sequenceNumber,
      inputs: record.inputs.map(value),
      outputs: record.outputs.map(value),
    }));
}

function sameBytes(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return (
    left.length === right.length &&
    left.every((bytes, at) => Buffer.compare(bytes, right[at] ?? new Uint8Array(0)) === 0)
  );
}
