import { checkedJson, messageOf, validate, type Logger } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';
import { fateName, parseQuarantineName, quarantineName, wayBackName } from './quarantine-name.js';
import { decoded } from './segment-codec.js';
import type { ClosedName, SegmentBase } from './segment-name.js';
import { FinishedSegment } from './tally.js';
import { writeWhole } from './write-receipt.js';

/** A segment in quarantine with records that were acknowledged and did not get through. */
export interface HeldSegment {
  /** Goes up with the time at which it came. */
  readonly number: number;
  readonly name: ClosedName;
  /** In `quarantine/`. */
  readonly file: string;
  readonly sizeBytes: number;
  /** How many of its records were not delivered: what is left of them here is all that there is. */
  readonly records: number;
  /** A requeue that was begun leads there. */
  readonly target: SegmentBase | undefined;
}

interface Entry {
  readonly number: number;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly held: HeldSegment | undefined;
}

/**
 * Keeps damaged bytes for people to look at, and segments with records that their store refused until somebody brings
 * them back, as much as fits the bound. What must go is damage first, then the oldest segment: who counts records sees
 * by {@link heldRecords} that it went. Never fails where bytes are no promise: a start must not hang on it.
 */
export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #log: Logger;
  /** By number. */
  #entries: Entry[] = [];

  constructor(disk: Disk, folder: string, maxBytes: number, log: Logger) {
    this.#disk = disk;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#log = log;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { files }) => sum + sizeOf(files), 0);
  }

  /** Records that were not delivered and could be, by the segments that are here. */
  get heldRecords(): number {
    return this.#entries.reduce((sum, { held }) => sum + (held?.records ?? 0), 0);
  }

  /** Segments with such records, those that came first before the others. */
  get held(): readonly HeldSegment[] {
    return this.#entries.flatMap(({ held }) => (held === undefined || held.records === 0 ? [] : [held]));
  }

  async open(): Promise<void> {
    const byNumber = new Map<number, { name: string; sizeBytes: number }[]>();
    for (const name of (await this.#disk.list(this.#folder)).sort()) {
      // A kill came while a fate was noted.
      if (/^\..*\.tmp$/.test(name)) await this.#disk.remove(join(this.#folder, name));
      const { number, segment } = parseQuarantineName(name);
      // A segment's name tells its size: a start over thousands of them must cost little.
      const sizeBytes = segment?.sizeBytes ?? (await this.#disk.stat(join(this.#folder, name)))?.sizeBytes;
      if (sizeBytes === undefined) continue;
      byNumber.set(number, [...(byNumber.get(number) ?? []), { name, sizeBytes }]);
    }
    for (const [number, files] of byNumber)
      this.#entries.push({ number, files, held: heldOf(number, files) });
    this.#entries.sort((a, b) => a.number - b.number);
    await this.#trim(0);
  }

  /** Notes of segments whose fate is not told here what became of them: an agent of before wrote none. */
  async explain(fates: ReadonlyMap<string, FinishedSegment>): Promise<void> {
    for (const { number, files, held } of this.#entries) {
      const fate = held === undefined ? undefined : fates.get(held.name.base);
      if (fate === undefined || files.some(isFate)) continue;
      const all = [...files, ...(await this.#writeFate(number, fate))];
      this.#replace(number, all, heldOf(number, all));
    }
  }

  /** Not synced: these bytes are no promise to anybody. */
  async keep(label: string, bytes: Uint8Array): Promise<void> {
    const kept = bytes.subarray(0, this.#maxBytes);
    try {
      await this.#trim(kept.byteLength);
      const number = this.#nextNumber();
      const name = quarantineName(number, label);
      const file = await this.#disk.create(join(this.#folder, name));
      try {
        await file.append(kept);
      } finally {
        await file.close();
      }
      this.#entries.push({ number, files: [{ name, sizeBytes: kept.byteLength }], held: undefined });
      this.#log.warn('Damaged bytes were put in quarantine', { label, bytes: bytes.byteLength });
    } catch (error) {
      this.#log.warn('Damaged bytes could not be kept', { label, cause: messageOf(error) });
    }
  }

  /**
   * Moves a whole file in; it leaves its place even where the bound does not let it stay.
   * @param fate of the segment that the file is
   */
  async move(path: string, label: string, fate?: FinishedSegment): Promise<void> {
    const sizeBytes = (await this.#disk.stat(path))?.sizeBytes ?? 0;
    if (sizeBytes > this.#maxBytes) {
      await this.#disk.remove(path);
      this.#log.warn('A file was too large for the quarantine and went', { label, bytes: sizeBytes });
      return;
    }
    await this.#trim(sizeBytes);
    const number = this.#nextNumber();
    const name = quarantineName(number, label);
    const notes = fate === undefined ? [] : await this.#writeFate(number, fate);
    await this.#disk.rename(path, join(this.#folder, name));
    const files = [{ name, sizeBytes }, ...notes];
    this.#entries.push({ number, files, held: heldOf(number, files) });
    this.#log.warn('A file was put in quarantine', { label, bytes: sizeBytes });
  }

  async read({ file }: HeldSegment): Promise<Uint8Array> {
    return await this.#disk.read(join(this.#folder, file));
  }

  /** What became of its records; undefined where nobody wrote it down: none of them may have been delivered. */
  async fateOf({ number }: HeldSegment): Promise<FinishedSegment | undefined> {
    return await this.#readFate(this.#entry(number)?.files.find(isFate)?.name);
  }

  /** Writes into the segment's name what it comes back as; undefined: that it does not. Durable. */
  async direct(held: HeldSegment, target: SegmentBase | undefined): Promise<HeldSegment> {
    const plain = quarantineName(held.number, held.name.file);
    const name = target === undefined ? plain : wayBackName(plain, target);
    await this.#disk.rename(join(this.#folder, held.file), join(this.#folder, name));
    await this.#disk.syncFolder(this.#folder);
    const directed = { ...held, file: name, target };
    const files = this.#entry(held.number)?.files ?? [];
    const renamed = files.map((file) => (file.name === held.file ? { ...file, name } : file));
    this.#replace(held.number, renamed, directed);
    return directed;
  }

  /** Its records have come back. A file that does not go now goes at the next start. */
  async leave({ number }: HeldSegment): Promise<void> {
    const entry = this.#entry(number);
    this.#entries = this.#entries.filter((other) => other.number !== number);
    try {
      await this.#remove(entry);
    } catch (error) {
      this.#log.warn('A segment could not leave the quarantine yet', { number, cause: messageOf(error) });
    }
  }

  #entry(number: number): Entry | undefined {
    return this.#entries.find((entry) => entry.number === number);
  }

  #replace(number: number, files: Entry['files'], held: HeldSegment | undefined): void {
    this.#entries = this.#entries.map((entry) => (entry.number === number ? { number, files, held } : entry));
  }

  #nextNumber(): number {
    return (this.#entries.at(-1)?.number ?? 0) + 1;
  }

  async #readFate(name: string | undefined): Promise<FinishedSegment | undefined> {
    if (name === undefined) return undefined;
    let bytes: Uint8Array;
    try {
      bytes = await this.#disk.read(join(this.#folder, name));
    } catch (error) {
      this.#log.warn('The fate of a segment could not be read', { name, cause: messageOf(error) });
      return undefined;
    }
    return decoded(() =>
      validate(
        FinishedSegment,
        JSON.parse(Buffer.from(bytes).toString()),
        'Cannot read the fate of a segment',
      ),
    );
  }

  /** None where the disk has no room: then all of the segment's records count as not delivered. */
  async #writeFate(number: number, fate: FinishedSegment): Promise<Entry['files']> {
    const name = fateName(number, fate.base, fate.quarantined.length);
    try {
      const bytes = Buffer.from(checkedJson(FinishedSegment, fate, 'Cannot write the fate of a segment'));
      await writeWhole(this.#disk, this.#folder, name, bytes);
      return [{ name, sizeBytes: bytes.byteLength }];
    } catch (error) {
      this.#log.warn('The fate of a segment could not be noted', { name, cause: messageOf(error) });
      return [];
    }
  }

  async #remove(entry: Entry | undefined): Promise<void> {
    // The segment first: a fate without one is nothing, a segment without fate counts whole.
    const files = [...(entry?.files ?? [])].sort((a, b) => Number(isFate(a)) - Number(isFate(b)));
    for (const { name } of files) await this.#disk.remove(join(this.#folder, name));
  }

  async #trim(incomingBytes: number): Promise<void> {
    while (this.#entries.length > 0 && this.bytes + incomingBytes > this.#maxBytes) {
      const next = this.#entries.find(({ held }) => (held?.records ?? 0) === 0) ?? this.#entries[0];
      if (next === undefined) return;
      await this.#remove(next);
      this.#entries = this.#entries.filter((entry) => entry !== next);
      const { held } = next;
      if (held !== undefined && held.records > 0)
        this.#log.warn('The quarantine is full: a segment with captures went', {
          segment: held.name.file,
          records: held.records,
        });
    }
  }
}

function sizeOf(files: Entry['files']): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function isFate({ name }: { readonly name: string }): boolean {
  return parseQuarantineName(name).isFate;
}

function heldOf(number: number, files: Entry['files']): HeldSegment | undefined {
  const parsed = files.map(({ name }) => parseQuarantineName(name));
  const refused = parsed.find((one) => one.isFate)?.refused;
  for (const [at, { name: file, sizeBytes }] of files.entries()) {
    const { segment: name, target } = parsed[at] ?? {};
    if (name !== undefined)
      return { number, name, file, sizeBytes, records: refused ?? name.records, target };
  }
  return undefined;
}
