const FAMILY_BITS = { v4: 32, v6: 128 } as const;

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Whether `range` is written as `10.0.0.0/8` or `fd00::/8`, and the address lies in it. False for names. */
export function isInRange(address: string, range: string): boolean {
  const [, start = '', digits] = /^([^/]+)\/(\d{1,3})$/.exec(range) ?? [];
  if (digits === undefined) return false;
  const [wanted, first] = [addressOf(address), addressOf(start)];
  if (wanted === undefined || first === undefined || wanted.bits !== first.bits) return false;
  const rest = first.bits - Number(digits);
  return rest >= 0 && wanted.value >> BigInt(rest) === first.value >> BigInt(rest);
}

function addressOf(text: string): Address | undefined {
  if (!text.includes(':')) {
    const parts = text.split('.');
    const isWhole = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
    return isWhole ? { bits: FAMILY_BITS.v4, value: joined(parts.map(Number), 8) } : undefined;
  }
  const halves = text.split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  const groups =
    halves.length === 1 ? head : [...head, ...Array<string>(Math.max(0, missing)).fill('0'), ...tail];
  const isWhole =
    halves.length <= 2 && groups.length === 8 && groups.every((group) => /^[\da-f]{1,4}$/i.test(group));
  if (!isWhole) return undefined;
  return {
    bits: FAMILY_BITS.v6,
    value: joined(
      groups.map((group) => Number.parseInt(group, 16)),
      16,
    ),
  };
}

function joined(parts: readonly number[], bitsEach: number): bigint {
  return parts.reduce((value, part) => (value << BigInt(bitsEach)) | BigInt(part), 0n);
}
