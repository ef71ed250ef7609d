import { Type, type Static } from '@sinclair/typebox';
import { validate } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';
import { decoded } from './segment-codec.js';
import { MAX_SEQUENCE } from './segment-name.js';
import { writeWhole } from './write-receipt.js';

/** A finished segment in few words. */
export const FinishedSegment = Type.Object({
  base: Type.String(),
  lastSequence: Type.Integer({ minimum: 0, maximum: MAX_SEQUENCE }),
  finishedMs: Type.Number(),
  uploaded: Type.Array(Type.String()),
  quarantined: Type.Array(Type.String()),
  dropped: Type.Array(Type.String()),
  reason: Type.Optional(Type.String()),
});
export type FinishedSegment = Static<typeof FinishedSegment>;

const HistoryFile = Type.Object({ v: Type.Literal(1), segments: Type.Array(FinishedSegment) });
const NAME = /^history-\d{16}\.json$/;

/**
 * `done/history-<last sequence>.json`: many receipts in one file, so that `done/` stays small. Each is written
 * once and never changed, and goes as a whole when its newest entry is old enough. Losing one costs statuses, no records.
 */
export async function readHistory(
  disk: Disk,
  folder: string,
): Promise<{ files: { name: string; segments: FinishedSegment[] }[]; damaged: string[] }> {
  const names = (await disk.list(folder)).filter((name) => NAME.test(name)).sort();
  const files: { name: string; segments: FinishedSegment[] }[] = [];
  const damaged: string[] = [];
  for (const name of names) {
    const bytes = await disk.read(join(folder, name));
    const file = decoded(() =>
      validate(
        HistoryFile,
        JSON.parse(Buffer.from(bytes).toString()),
        'Cannot read the history of the spool',
      ),
    );
    if (file === undefined) damaged.push(name);
    else files.push({ name, segments: file.segments });
  }
  return { files, damaged };
}

export async function writeHistory(
  disk: Disk,
  folder: string,
  segments: readonly FinishedSegment[],
): Promise<string> {
  const last = segments.reduce((most, { lastSequence }) => Math.max(most, lastSequence), 0);
  const name = `history-${String(last).padStart(16, '0')}.json`;
  await writeWhole(disk, folder, name, Buffer.from(JSON.stringify({ v: 1, segments })));
  return name;
}
