import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Logger } from '../../core/mod.js';
import { endGroup, isGroupAlive, processStat } from './process-group.js';

/**
 * Remembers on disk which process groups a nucleus started: one that was killed cannot end them, so a later one
 * on the same root does. Files are written at once after the spawn, without waiting, so that the gap is short.
 */
export class RunningGroups {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  add(groupId: number): void {
    const entry = { started: processStat(groupId)?.started ?? '', bootId: bootId() };
    writeFileSync(join(this.#folder, `${groupId}.json`), JSON.stringify(entry), { mode: 0o600 });
  }

  remove(groupId: number): void {
    rmSync(join(this.#folder, `${groupId}.json`), { force: true });
  }

  /** Ends what a former nucleus left running. */
  async endOrphans(graceMs: number, clock: Clock, logger: Logger): Promise<void> {
    const groups = readdirSync(this.#folder).filter((name) => name.endsWith('.json'));
    await Promise.all(
      groups.map(async (name) => {
        const groupId = Number(name.slice(0, -'.json'.length));
        if (this.#isOurs(groupId)) {
          logger.warn('Ending processes that a former nucleus left', { groupId });
          await endGroup(groupId, graceMs, clock);
        }
        this.remove(groupId);
      }),
    );
  }

  /** A number that a later process got has another start time; a group whose first process ended keeps its number. */
  #isOurs(groupId: number): boolean {
    const entry = readEntry(join(this.#folder, `${groupId}.json`));
    if (entry === undefined || entry.bootId !== bootId() || !isGroupAlive(groupId)) return false;
    const leader = processStat(groupId);
    return leader === undefined || leader.started === entry.started;
  }
}

function readEntry(path: string): { started: string; bootId: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { started: string; bootId: string };
  } catch {
    // A kill in the middle of the write leaves half a file; such a process is not known.
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
