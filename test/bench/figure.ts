import type { Rig } from './agent/rig.js';

/** One line of the table: a ratio or difference taken in this run, its goal, and the absolute figures beside it. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
  /** Whether the goal was met in this run. */
  readonly met: boolean;
  /** Floors and absolute figures of this machine, as they were measured in the same run. */
  readonly detail: Readonly<Record<string, number>>;
}

/** What `npm run bench -- NAME` runs: one measurement, which may give several figures. */
export interface BenchRow {
  readonly name: string;
  /** What is measured, beside which floor. */
  readonly about: string;
  /** How long it may take; default ten minutes. */
  readonly limitMs?: number;
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** What the rows of one run share. */
export interface Bench {
  /** The real components on a local nucleus with their defaults; started when the first row asks for it. */
  rig(): Promise<Rig>;
  /** Called when the run ends or is interrupted, the last one first: ends processes, removes folders. */
  onEnd(cleanup: () => Promise<void> | void): void;
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

function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

/** A figure whose goal is an upper bound. */
export function atMost(
  limit: number,
  figure: Omit<Figure, 'goal' | 'met'> & { readonly digits?: number },
): Figure {
  return bounded(`<= ${limit}`, figure.value <= limit, figure);
}

/** A figure whose goal is a lower bound. */
export function atLeast(
  limit: number,
  figure: Omit<Figure, 'goal' | 'met'> & { readonly digits?: number },
): Figure {
  return bounded(`>= ${limit}`, figure.value >= limit, figure);
}

function bounded(
  goal: string,
  met: boolean,
  { figure, value, unit, detail, digits = 2 }: Omit<Figure, 'goal' | 'met'> & { readonly digits?: number },
): Figure {
  const rounds = Object.entries(detail).map(([name, number]) => [name, rounded(number)] as const);
  return { figure, value: rounded(value, digits), unit, goal, met, detail: Object.fromEntries(rounds) };
}
