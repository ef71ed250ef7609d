import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError, messageOf } from './errors.js';
import { validate } from './validate.js';

/**
 * The JSON of a file that is read again with this schema. What its own reader would refuse must not reach the disk: at
 * the next start it would count as damaged, and all that it holds as lost.
 * @param what the action in an error's first words, such as "Cannot write the registry"
 * @throws EdgeError INTERNAL where the value does not fit: whoever made it has to mend it
 */
export function checkedJson<S extends TSchema>(schema: S, value: Static<S>, what: string): string {
  const text = JSON.stringify(value);
  try {
    // What is read is what JSON has made of it: NaN has become null, undefined is gone.
    validate(schema, JSON.parse(text), what);
  } catch (thrown) {
    throw new EdgeError('INTERNAL', messageOf(thrown), { cause: thrown });
  }
  return text;
}
