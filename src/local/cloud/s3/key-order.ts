/**
 * Compares as S3 orders keys: by their UTF-8 bytes. JavaScript's own order differs where a character beyond the
 * first plane, which it holds as two units below U+E000, meets one from U+E000 on.
 * @returns below, at or above 0
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const one = a.charCodeAt(index);
    const other = b.charCodeAt(index);
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
