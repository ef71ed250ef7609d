/** Above this a copy costs more than a write of its own. */
const LARGE_BYTES = 256 * 1024;

/** The parts in order, small ones joined so that a burst of records is one write, large ones from where they lie. */
export function inFewWrites(parts: readonly Uint8Array[]): Uint8Array[] {
  const writes: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const join = (): void => {
    if (small.length > 0) writes.push(Buffer.concat(small));
    small = [];
  };
  for (const part of parts) {
    if (part.byteLength < LARGE_BYTES) {
      small.push(part);
      continue;
    }
    join();
    writes.push(part);
  }
  join();
  return writes;
}
