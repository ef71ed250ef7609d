/** Resolves once the event loop has looked at everything else that is due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
