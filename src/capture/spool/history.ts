import { Type, type Static } from '@sinclair/typebox';
import { checkedJson, validate } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';
import { decoded } from './segment-codec.js';
import { MAX_SEQUENCE } from './segment-name.js';
import { FinishedSegment, Tally } from './tally.js';
import { writeWhole } from './write-receipt.js';

/** What history files that are gone told, in numbers. */
export const Forgotten = Type.Object({
  ...Tally.properties,
  lastSequence: Type.Integer({ minimum: 0, maximum: MAX_SEQUENCE }),
});
export type Forgotten = Static<typeof Forgotten>;

const HistoryFile = Type.Object({
  v: Type.Literal(1),
  segments: Type.Array(FinishedSegment),
  forgotten: Type.Optional(Forgotten),
  /** Files that `forgotten` counts from now on: where they are still there, a kill came before they went. */
  forgets: Type.Optional(Type.Array(Type.String())),
});
export type HistoryFile = Static<typeof HistoryFile>;
const NAME = /^history-\d{16}\.json$/;

export interface NamedHistory extends HistoryFile {
  readonly name: string;
}

/**
 * `done/history-<last sequence>.json`: many receipts in one file, so that `done/` stays small. Each is written
 * once and never changed, and goes as a whole when its newest entry is old enough; a later one then holds its counts.
 * Losing one costs statuses and counts, no records.
 */
export async function readHistory(
  disk: Disk,
  folder: string,
): Promise<{ files: NamedHistory[]; damaged: string[] }> {
  const names = (await disk.list(folder)).filter((name) => NAME.test(name)).sort();
  const files: NamedHistory[] = [];
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
    else files.push({ ...file, name });
  }
  return { files, damaged };
}

/** @returns the file's name */
export async function writeHistory(
  disk: Disk,
  folder: string,
  history: Omit<HistoryFile, 'v'>,
): Promise<string> {
  const last = history.segments.reduce((most, { lastSequence }) => Math.max(most, lastSequence), 0);
  const name = `history-${String(last).padStart(16, '0')}.json`;
  const file: HistoryFile = { v: 1, ...history };
  await writeWhole(
    disk,
    folder,
    name,
    Buffer.from(checkedJson(HistoryFile, file, 'Cannot write the history of the spool')),
  );
  return name;
}
