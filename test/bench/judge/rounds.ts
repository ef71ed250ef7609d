import { median } from '../../../examples/floors/statistics.js';

/** What each part of a measurement gave in one turn. */
export type Round<Part extends string, Sample = number> = Readonly<Record<Part, readonly Sample[]>>;
/** A round's parts, each as one number. */
export type Summary<Part extends string> = Readonly<Record<Part, number>>;

/**
 * Runs the parts in turn, again and again (A B A B): what the machine does besides meets all of them alike, and a ratio
 * is taken within a round, between neighbours.
 * @throws Error where a part gave no sample: a ratio over nothing would say nothing
 */
export async function alternate<Part extends string, Sample = number>(
  rounds: number,
  parts: Readonly<Record<Part, () => Promise<readonly Sample[]>>>,
): Promise<Round<Part, Sample>[]> {
  const done: Round<Part, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    const samples: Partial<Record<Part, readonly Sample[]>> = {};
    for (const part of partsOf(parts)) {
      const given = await parts[part]();
      if (given.length === 0) throw new Error(`Cannot measure as '${part}' gave no sample`);
      samples[part] = given;
    }
    done.push(samples as Round<Part, Sample>);
  }
  return done;
}

/** The same rounds with one number of each sample. */
export function each<Part extends string, Sample>(
  rounds: readonly Round<Part, Sample>[],
  of: (sample: Sample) => number,
): Round<Part>[] {
  return rounds.map((round) => mapped(round, (samples) => samples.map(of)));
}

/** @param statistic of a part's samples in a round; default their median */
export function summaries<Part extends string>(
  rounds: readonly Round<Part>[],
  statistic: (samples: readonly number[]) => number = median,
): Summary<Part>[] {
  return rounds.map((round) => mapped(round, statistic));
}

/**
 * Puts neighbouring rounds together, `size` of them into one; what is left over joins the last. A p99 wants more
 * samples than a round has.
 */
export function joined<Part extends string>(rounds: readonly Round<Part>[], size: number): Round<Part>[] {
  const groups = Math.max(1, Math.floor(rounds.length / size));
  const [first] = rounds;
  if (first === undefined) return [];
  return Array.from({ length: groups }, (_, group) => {
    const end = group === groups - 1 ? rounds.length : (group + 1) * size;
    const together = rounds.slice(group * size, end);
    const samples: Partial<Record<Part, readonly number[]>> = {};
    for (const part of partsOf(first)) samples[part] = together.flatMap((round) => round[part]);
    return samples as Round<Part>;
  });
}

/** The median of each part over all rounds. */
export function middles<Part extends string>(rounds: readonly Summary<Part>[]): Summary<Part> {
  const [first] = rounds;
  if (first === undefined) throw new Error('Cannot sum up a measurement of no rounds');
  const all: Partial<Record<Part, readonly number[]>> = {};
  for (const part of partsOf(first)) all[part] = rounds.map((round) => round[part]);
  return mapped(all as Round<Part>, median);
}

function mapped<Part extends string, From, To>(
  record: Readonly<Record<Part, From>>,
  change: (value: From) => To,
): Record<Part, To> {
  const made: Partial<Record<Part, To>> = {};
  for (const part of partsOf(record)) made[part] = change(record[part]);
  return made as Record<Part, To>;
}

function partsOf<Part extends string>(record: Readonly<Record<Part, unknown>>): Part[] {
  return Object.keys(record) as Part[];
}
