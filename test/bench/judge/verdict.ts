/** What a figure should be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** What is said of a figure; `noisy` where this run could not tell, `skipped` where it could not be measured here. */
export type Verdict = 'met' | 'not met' | 'noisy' | 'skipped';

/** A floor whose middle half is wider than this share of its middle says nothing about what is held against it. */
const NOISY_WIDTH = 0.3;

/** @param floorWidth the widest of its floors' own spreads, as a share; absent for what has no floor of time */
export function verdictOf(value: number, goal: Goal, floorWidth = 0): Exclude<Verdict, 'skipped'> {
  if (floorWidth > NOISY_WIDTH) return 'noisy';
  return holds(value, goal) ? 'met' : 'not met';
}

export function goalText(goal: Goal): string {
  return 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
}

function holds(value: number, goal: Goal): boolean {
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}
