import { Listeners } from '../../core/mod.js';
import { PRIORITIES, type Priority } from '../captured/priority.js';
import type { ClosedName } from './segment-name.js';

export interface ClosedSegment {
  readonly name: ClosedName;
  /** When its first record came, on the process's monotonic clock; found at start: at most then. */
  readonly sinceMs: number;
}

/** The segments that wait for the uploader, oldest first, with their sums by class. Tells of each that comes. */
export class ClosedSegments {
  readonly #segments = new Map<string, ClosedSegment>();
  readonly #bytes = new Map<Priority, number>();
  readonly #listeners = new Listeners<[segment: string]>();
  #records = 0;

  onAdded(listener: (segment: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  add(segment: ClosedSegment): void {
    this.delete(segment.name.base);
    this.#segments.set(segment.name.base, segment);
    this.#count(segment.name, 1);
    this.#listeners.tell(segment.name.file);
  }

  delete(base: string): ClosedSegment | undefined {
    const segment = this.#segments.get(base);
    if (segment === undefined) return undefined;
    this.#segments.delete(base);
    this.#count(segment.name, -1);
    return segment;
  }

  get(base: string): ClosedSegment | undefined {
    return this.#segments.get(base);
  }

  has(base: string): boolean {
    return this.#segments.has(base);
  }

  all(): ClosedSegment[] {
    return [...this.#segments.values()];
  }

  of(priority: Priority): ClosedSegment[] {
    return this.all().filter(({ name }) => name.priority === priority);
  }

  bytes(priority: Priority): number {
    return this.#bytes.get(priority) ?? 0;
  }

  get totalBytes(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.bytes(priority), 0);
  }

  get records(): number {
    return this.#records;
  }

  get oldestSinceMs(): number | undefined {
    const [first] = this.#segments.values();
    return first?.sinceMs;
  }

  #count(name: ClosedName, sign: 1 | -1): void {
    this.#bytes.set(name.priority, this.bytes(name.priority) + sign * name.sizeBytes);
    this.#records += sign * name.records;
  }
}
