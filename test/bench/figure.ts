import type { Rig } from './rig.js';

/** One row of the table: a ratio or difference taken in this run, its goal, and the absolute times beside it. */
export interface FigureRow {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
  /** Whether the goal was met in this run. */
  readonly met: boolean;
  /** Absolute figures of this machine, as they were measured. */
  readonly detail: Readonly<Record<string, number>>;
}

export interface Figure {
  readonly name: string;
  readonly about: string;
  run(rig: Rig): Promise<readonly FigureRow[]>;
}

/** Rounds in turn, so that a machine whose speed drifts treats all parts alike. */
export async function interleaved(
  rounds: number,
  parts: Readonly<Record<string, () => Promise<readonly number[]>>>,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = Object.fromEntries(Object.keys(parts).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(parts)) samples[name]?.push(...(await run()));
  }
  return samples;
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
