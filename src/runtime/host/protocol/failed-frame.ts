import { CODES, reasonOf, type Code, type Reason } from '../../../contract/mod.js';
import { EdgeError, toEdgeError } from '../../../core/mod.js';
import { encodeFrame, type Frame } from '../../../framing/mod.js';
import { FieldReader, FieldWriter } from './fields.js';
import { KIND } from './kinds.js';

/** In UTF-16 units; a message may quote what an app sent. */
const MOST_CHARS = { message: 4000, field: 256, nextStep: 1000 } as const;

/**
 * @param thrown whatever stopped the host from doing it
 * @param action the first words for what is no error of ours, such as "Cannot run the model"
 */
export function encodeFailed(id: number, thrown: unknown, action: string): Buffer {
  const { code, reason, message, field = '', nextStep = '' } = toEdgeError(thrown, action);
  const fields = new FieldWriter()
    .string(code)
    .string(reason)
    .string(message.slice(0, MOST_CHARS.message))
    .string(field.slice(0, MOST_CHARS.field))
    .string(nextStep.slice(0, MOST_CHARS.nextStep));
  return encodeFrame({ kind: KIND.failed, id, metadata: fields.bytes });
}

/** @throws EdgeError MESSAGE_UNREADABLE where the frame itself can't be read */
export function decodeFailed({ metadata }: Frame): EdgeError {
  const fields = new FieldReader(metadata);
  const [code, reason, message] = [fields.string(), fields.string(), fields.string()];
  const [field, nextStep] = [fields.string(), fields.string()];
  fields.end();
  return new EdgeError(known(code, reason), message, {
    ...(field === '' ? {} : { field }),
    ...(nextStep === '' ? {} : { nextStep }),
  });
}

/** A host may be newer: a reason that is not known counts as its code, and what is no code is the host's own fault. */
function known(code: string, reason: string): Reason {
  const isCode = (text: string): text is Code => CODES.some((one) => one === text);
  return isCode(code) ? reasonOf(code, reason) : 'INTERNAL';
}
