import type { Rig } from './agent/rig.js';
import type { Figure } from './judge/mod.js';

/** What `npm run bench -- NAME` runs: one measurement, which may give several figures. */
export interface BenchRow {
  readonly name: string;
  /** What is measured, beside which floor. */
  readonly about: string;
  /** Only where it is named, or with --all: the other rows together take ten minutes at most on two quiet cores. */
  readonly slow?: true;
  /** How long it may take; default ten minutes. */
  readonly limitMs?: number;
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** What the rows of one run share. */
export interface Bench {
  /** The real components on a local nucleus with their defaults; started when the first row asks for it. */
  rig(): Promise<Rig>;
  /** So many of a whole run's rounds, samples or seconds as this run takes, at least `least` (1). */
  share(count: number, least?: number): number;
  /** A new empty folder, removed when the run ends. */
  folder(name: string): Promise<string>;
  /** Called when the run ends or is interrupted, the last one first: ends processes, removes folders. */
  onEnd(cleanup: () => Promise<void> | void): void;
}
