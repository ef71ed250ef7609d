import { REASONS, type Code, type Reason } from '../contract/codes/mod.js';

/** What an error may carry beside its sentence. */
export interface ErrorDetails {
  /** The field, key or file that is wrong, as a path such as `body.inputs[0].shape`. */
  readonly field?: string | undefined;
  /** When a retry makes sense, milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** What a person should do next; printed by the CLI on a line of its own. */
  readonly nextStep?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of the project. `code` says whose fault it is: INTERNAL is ours, all others tell
 * the caller something; `reason` says why, and is what programs decide by. Both are catalogued in docs/errors.md.
 * Sentences are for people and may change: the action first, then wanted and actual value, no full stop.
 *
 * @example
 * throw new EdgeError('VERSION_INVALID', "Cannot parse 'version' as it must be semver: current value is 5", { field: 'version' });
 */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly reason: Reason;
  readonly code: Code;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly nextStep: string | undefined;

  constructor(reason: Reason, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = reason;
    this.code = REASONS[reason];
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.nextStep = details.nextStep;
  }
}

/** Any thrown value as an EdgeError; what is not one already is our fault, hence INTERNAL. */
export function toEdgeError(thrown: unknown, action = 'Cannot finish the operation'): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  return new EdgeError('INTERNAL', `${action}: ${messageOf(thrown)}`, { cause: thrown });
}

/** An error for programs: what commands print under `--json`, on standard error. */
export function errorDocument({ code, reason, message, field, nextStep }: EdgeError): object {
  return { error: { code, reason, message, field, nextStep } };
}

/** The sentence of any thrown value. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
