import { Type } from '@sinclair/typebox';
import { matches, messageOf, SerialQueue, type Logger } from '../../core/mod.js';
import { join, type Disk, type DiskFile } from '../../disk/mod.js';

/** A capture id and the component that it belongs to. */
export type Owned = readonly [captureId: string, component: string];

const Line = Type.Tuple([
  Type.String({ minLength: 1, maxLength: 128 }),
  Type.String({ minLength: 1, maxLength: 128 }),
]);
const MAX_LINES = 65_536;
const FILE = /^owners-(\d{1,15})\.jsonl$/;

export interface OwnersLogOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  /** A file goes on for so many lines, then begins anew with what still counts. Default 65,536. */
  readonly maxLines?: number;
}

/**
 * Whose capture ids are, over restarts: a line for each id, appended and never waited for, so that it costs no
 * prediction anything. A kill loses nothing that was written; a power cut may take the last lines. Each start writes a
 * new file, and the former ones go once it is whole. Where the disk fails, the agent goes on from memory.
 */
export class OwnersLog {
  readonly entries: readonly Owned[];
  readonly #options: OwnersLogOptions;
  readonly #turns = new SerialQueue();
  #file: DiskFile | undefined;
  #number: number;
  #lines = 0;

  private constructor(options: OwnersLogOptions, entries: readonly Owned[], number: number) {
    this.#options = options;
    this.entries = entries;
    this.#number = number;
  }

  static async open(options: OwnersLogOptions): Promise<OwnersLog> {
    const { disk, folder, logger } = options;
    try {
      await disk.makeFolder(folder);
      const numbers = await numbersIn(options);
      const texts: string[] = [];
      for (const number of numbers) texts.push(decode(await disk.read(fileOf(folder, number))));
      const entries = texts.flatMap(linesOf);
      const log = new OwnersLog(options, entries, numbers.at(-1) ?? 0);
      await log.#begin(new Map(entries));
      return log;
    } catch (thrown) {
      logger.warn('Whose capture ids are is not known over restarts', { reason: messageOf(thrown) });
      return new OwnersLog(options, [], 0);
    }
  }

  /** @param all everything that counts, for the file that begins when this one is long */
  append(owned: Owned, all: () => ReadonlyMap<string, string>): void {
    void this.#turns.run(async () => {
      try {
        if (this.#lines >= (this.#options.maxLines ?? MAX_LINES)) await this.#begin(all());
        else await this.#file?.append(encode([owned]));
        this.#lines += 1;
      } catch (thrown) {
        this.#options.logger.warn('Whose capture ids are is kept in memory only', {
          reason: messageOf(thrown),
        });
        await this.close();
      }
    });
  }

  /** Resolves when all that was appended is written. */
  async settled(): Promise<void> {
    await this.#turns.idle();
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  async #begin(owners: ReadonlyMap<string, string>): Promise<void> {
    const { disk, folder } = this.#options;
    const former = await numbersIn(this.#options);
    const number = Math.max(this.#number, former.at(-1) ?? 0) + 1;
    const file = await disk.create(fileOf(folder, number));
    await file.append(encode([...owners]));
    await file.sync();
    await disk.syncFolder(folder);
    await this.close();
    this.#file = file;
    this.#number = number;
    this.#lines = owners.size;
    for (const one of former) await disk.remove(fileOf(folder, one));
  }
}

async function numbersIn({ disk, folder }: OwnersLogOptions): Promise<number[]> {
  const numbers = (await disk.list(folder)).flatMap((name) => FILE.exec(name)?.[1] ?? []).map(Number);
  return numbers.toSorted((a, b) => a - b);
}

function fileOf(folder: string, number: number): string {
  return join(folder, `owners-${number}.jsonl`);
}

function encode(owned: readonly Owned[]): Uint8Array {
  return new TextEncoder().encode(owned.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** What a kill cut short, or a sick disk changed, is left out. */
function linesOf(text: string): Owned[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return matches(Line, value) ? [value as Owned] : [];
    } catch {
      return [];
    }
  });
}
