import { messageOf } from '../../core/mod.js';

/** One thing that was looked at on the way to a verdict, for people who ask what it rests on. */
export interface Check {
  readonly what: string;
  readonly outcome: 'holds' | 'fails' | 'skipped';
  /** What was found, or why it fails. */
  readonly detail?: string;
}
export type Explain = (check: Check) => void;

/** Carries a check out and tells of it; what it throws goes on. */
export function checked<T>(
  explain: Explain | undefined,
  what: string,
  check: () => T,
  describe?: (found: T) => string,
): T {
  try {
    const found = check();
    explain?.({ what, outcome: 'holds', ...(describe === undefined ? {} : { detail: describe(found) }) });
    return found;
  } catch (error) {
    explain?.({ what, outcome: 'fails', detail: messageOf(error) });
    throw error;
  }
}
