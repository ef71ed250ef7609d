import {
  claimSegment,
  openSegment,
  parseClosedName,
  parseReceiptName,
  PRIORITIES,
  ReceiptWriter,
  spoolFolders,
  type ClosedName,
  type ReceiptObject,
  type SegmentReader,
} from '../capture/mod.js';
import { EdgeError, type Clock } from '../core/mod.js';
import type { Disk } from '../disk/mod.js';
import type { ClaimedSegment, SegmentSource, SettledObject, UploadOrder } from './segment-source.js';

/** The agent's spool: closed segments in files, named by their file names. */
export class SpoolSegmentSource implements SegmentSource {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #receipts: ReceiptWriter;

  /** @param root the spool's folder */
  constructor(disk: Disk, root: string, clock: Clock) {
    this.#disk = disk;
    this.#root = root;
    this.#clock = clock;
    this.#receipts = new ReceiptWriter(disk, root);
  }

  async list(order: UploadOrder): Promise<readonly string[]> {
    const { closed, done } = spoolFolders(this.#root);
    const names = byUrgencyAndAge(await this.#disk.list(closed), order);
    if (names.length === 0) return names;
    // While the agent is away, finished segments still lie in `closed`.
    const receipts = new Set((await this.#disk.list(done)).map((name) => parseReceiptName(name)?.base));
    if (receipts.size === 0) return names;
    return names.filter((name) => !receipts.has(name.slice(0, name.indexOf('.'))));
  }

  async claim(segment: string): Promise<ClaimedSegment> {
    const name = parseClosedName(segment);
    if (name === undefined)
      throw new EdgeError(
        'SEGMENT_NOT_FOUND',
        `Cannot upload ${segment} as that is no name of a closed segment`,
      );
    const release = await claimSegment(this.#disk, this.#root, name);
    try {
      const reader = await openSegment(this.#disk, this.#root, name);
      return { objects: objectsOf(reader), ...this.#end(name, reader.lostRecords, release) };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Apart from the reader: a receipt that is on its way to disk must not hold the segment in memory. */
  #end(
    name: ClosedName,
    lostRecords: number,
    release: () => Promise<void>,
  ): Pick<ClaimedSegment, 'writeReceipt' | 'release'> {
    const writeReceipt = async (objects: readonly SettledObject[]): Promise<void> => {
      const finishedMs = this.#clock.wallMs();
      await this.#receipts.write(name, { finishedMs, lostRecords, objects: objects.map(receiptObject) });
    };
    return { writeReceipt, release };
  }
}

function objectsOf(reader: SegmentReader): ClaimedSegment['objects'] {
  return () => reader.objects();
}

function receiptObject({ key, sizeBytes, sha256, captureIds, result, reason }: SettledObject): ReceiptObject {
  return {
    key,
    sizeBytes,
    sha256,
    captureIds: [...captureIds],
    outcome: result === 'delivered' ? 'uploaded' : 'quarantined',
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * The names of closed segments, most urgent class first. Their form lets strings sort by age, so nothing is
 * parsed: a backlog of 100,000 must cost neither seconds nor a hundred megabytes at each scan. A foreign file
 * among them is found out when it is claimed.
 */
function byUrgencyAndAge(names: readonly string[], order: UploadOrder): string[] {
  return PRIORITIES.flatMap((priority) => {
    const mark = `-${priority}-`;
    const ofClass = names
      .filter((name) => name.endsWith('.seg') && name.startsWith(mark, SEQUENCE_DIGITS))
      .sort();
    return order === 'oldest-first' ? ofClass : ofClass.reverse();
  });
}

const SEQUENCE_DIGITS = 16;
