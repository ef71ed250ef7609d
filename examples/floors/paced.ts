/** How requests follow each other, one after the other. */
export interface Pace {
  readonly count: number;
  /** Slept after each answer before the next request: neither end is warm then. Default: none. */
  readonly pauseMs?: number;
  /** Requests start this often at the most. Default: as fast as answers come. */
  readonly intervalMs?: number;
}

/** How long each took, in milliseconds. */
export async function paced(
  { count, pauseMs = 0, intervalMs = 0 }: Pace,
  act: () => Promise<unknown>,
): Promise<number[]> {
  const samplesMs: number[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) {
    const waitMs = Math.max(pauseMs, startedMs + index * intervalMs - performance.now());
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const begunMs = performance.now();
    await act();
    samplesMs.push(performance.now() - begunMs);
  }
  return samplesMs;
}
