import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

/**
 * Names this CPU as far as a compiled graph depends on it: its architecture and instruction sets
 * (`flags` on x86, `Features` on arm).
 */
export function cpuKey(): string {
  return `${arch()}-${createHash('sha256').update(cpuFeatures()).digest('hex').slice(0, 16)}`;
}

function cpuFeatures(): string {
  try {
    const line = readFileSync('/proc/cpuinfo', 'utf8')
      .split('\n')
      .find((text) => /^(flags|Features)\s*:/.test(text));
    return (line ?? '').split(':')[1]?.trim().split(/\s+/).toSorted().join(' ') ?? '';
  } catch {
    return 'unknown';
  }
}
