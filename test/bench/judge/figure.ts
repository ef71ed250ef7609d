import { middles, summaries, type Round, type Summary } from './rounds.js';
import { spreadOf, widthOf } from './spread.js';
import { goalText, verdictOf, type Goal, type Verdict } from './verdict.js';

/** One line of the table: a ratio or difference taken in this run, its goal, and the absolute figures beside it. */
export interface MeasuredFigure {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
  readonly verdict: Exclude<Verdict, 'skipped'>;
  /** The middle half of the value over this run's rounds; absent where it was taken once. */
  readonly between?: { readonly p25: number; readonly p75: number };
  /** The widest of its floors' own spreads over the rounds, (p75 - p25) / p50. */
  readonly floorWidth?: number;
  /** Floors and absolute figures of this machine, as they were measured in the same run. */
  readonly detail: Readonly<Record<string, number>>;
}

/** A line that this machine cannot measure. */
export interface SkippedFigure {
  readonly figure: string;
  readonly verdict: 'skipped';
  readonly reason: string;
}

export type Figure = MeasuredFigure | SkippedFigure;

interface Naming {
  readonly figure: string;
  readonly unit: string;
  /** Of the value; default 2. */
  readonly digits?: number;
}

interface Taken extends Naming {
  readonly value: number;
  readonly detail: Readonly<Record<string, number>>;
}

/** A figure taken once, whose goal is an upper bound. */
export function atMost(limit: number, taken: Taken): MeasuredFigure {
  return once({ atMost: limit }, taken);
}

/** A figure taken once, whose goal is a lower bound. */
export function atLeast(limit: number, taken: Taken): MeasuredFigure {
  return once({ atLeast: limit }, taken);
}

export interface Paired<Part extends string> extends Naming {
  readonly rounds: readonly Round<Part>[];
  /** One number of a round's samples; default their median. */
  readonly statistic?: (samples: readonly number[]) => number;
  /** The parts that the value is held against. */
  readonly floors: readonly NoInfer<Part>[];
  /** The value of one round. */
  readonly of: (round: Summary<NoInfer<Part>>) => number;
  /** What stands beside the medians of the parts. */
  readonly detail?: Readonly<Record<string, number>>;
}

/**
 * A figure whose value is the median over rounds of a value taken within each, between neighbours in time.
 * @example paired({ atMost: 1.35 }, { figure: 'predict / echo', unit: 'x', rounds, floors: ['echo'], of: (round) => round.predict / round.echo })
 */
export function paired<Part extends string>(goal: Goal, input: Paired<Part>): MeasuredFigure {
  const { figure, unit, digits = 2, statistic, floors, of } = input;
  const rounds = summaries(input.rounds, statistic);
  const { p25, p50, p75 } = spreadOf(rounds.map(of));
  checkNumber(figure, p50);
  // One round has no spread: nothing says then what the floor is worth.
  const floorWidth =
    floors.length > 0 && rounds.length === 1
      ? undefined
      : Math.max(0, ...floors.map((part) => widthOf(spreadOf(rounds.map((round) => round[part])))));
  return {
    figure,
    value: rounded(p50, digits),
    unit,
    goal: goalText(goal),
    verdict: floorWidth === undefined ? 'noisy' : verdictOf(p50, goal, floorWidth),
    between: { p25: rounded(p25, digits), p75: rounded(p75, digits) },
    ...(floorWidth === undefined || floors.length === 0 ? {} : { floorWidth: rounded(floorWidth, 2) }),
    detail: roundedAll({ ...middles(rounds), ...input.detail }),
  };
}

export function skipped(figure: string, reason: string): SkippedFigure {
  return { figure, verdict: 'skipped', reason };
}

function once(goal: Goal, { figure, value, unit, detail, digits = 2 }: Taken): MeasuredFigure {
  checkNumber(figure, value);
  return {
    figure,
    value: rounded(value, digits),
    unit,
    goal: goalText(goal),
    verdict: verdictOf(value, goal),
    detail: roundedAll(detail),
  };
}

/** What is no number is no figure, and JSON has no word for it. */
function checkNumber(figure: string, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`Cannot give '${figure}' as its value is ${value}`);
}

function roundedAll(detail: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(detail).map(([name, number]) => [name, rounded(number, 3)]));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
