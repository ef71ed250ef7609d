import { EdgeError } from '../../src/core/mod.js';

/** A sample that can't be read: what was wanted, and how to write it. */
export function refused(
  reason: string,
  field: string,
  nextStep = 'Every form of a sample stands in docs/models.md',
  cause?: unknown,
): EdgeError {
  return new EdgeError('SAMPLES_INVALID', `Cannot read the samples as ${reason}`, { field, nextStep, cause });
}
