/** Few enough for AWS IoT's rates with the SDK's retries, enough not to wait for each answer. */
const CALLS_AT_ONCE = 8;

/** `work` on each item, some at a time; results in the items' order. After a failure nothing more is begun. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const state = { failed: false };
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (state.failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        state.failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
  return results;
}
