/**
 * Work that can pause: at each `yield` others may go first. So one text serves a process that has nothing else to do
 * ({@link finish}) and one that must not hold up its event loop ({@link finishInTurns}).
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Does it all now. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Waits for a turn of the event loop between the steps. Without a pause in them nothing is waited for. */
export async function finishInTurns<T>(steps: Steps<T>, turn: () => Promise<void>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turn();
  }
}
