const LEVELS = ' ▁▂▃▄▅▆▇█';

/** One point of the picture: a speech probability and the version that gave it (undefined: the window failed). */
export interface Point {
  readonly probability: number;
  readonly version: string | undefined;
}

/**
 * Speech over time as two rows of text, `columns` wide: height is the largest probability in a column's windows,
 * the row below shows the major version that answered, `x` where a window failed.
 */
export function speechPicture(points: readonly Point[], columns: number): readonly [string, string] {
  const perColumn = Math.max(1, Math.ceil(points.length / columns));
  let heights = '';
  let versions = '';
  for (let begin = 0; begin < points.length; begin += perColumn) {
    const column = points.slice(begin, begin + perColumn);
    const highest = Math.max(...column.map((point) => point.probability));
    heights += LEVELS[Math.min(8, Math.max(0, Math.round(highest * 8)))] ?? ' ';
    const failed = column.some((point) => point.version === undefined);
    versions += failed ? 'x' : (column.at(-1)?.version?.split('.')[0] ?? 'x').slice(-1);
  }
  return [heights, versions];
}

export interface Segment {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Runs of windows at or above the threshold. */
export function speechSegments(
  probabilities: readonly number[],
  windowSeconds: number,
  threshold = 0.5,
): Segment[] {
  const segments: Segment[] = [];
  let begin: number | undefined;
  for (let index = 0; index <= probabilities.length; index++) {
    const speaks = (probabilities[index] ?? 0) >= threshold;
    if (speaks && begin === undefined) begin = index;
    if (!speaks && begin !== undefined) {
      segments.push({ startSeconds: begin * windowSeconds, endSeconds: index * windowSeconds });
      begin = undefined;
    }
  }
  return segments;
}
