import type { Reason } from '../../contract/mod.js';
import { EdgeError, messageOf, type JsonObject } from '../../core/mod.js';
import { NucleusRefusal } from './refusal.js';

/** What a nucleus refused, as ours: by the error's shape, the code in it (Java nucleus) or the sentence. */
export function translateIpcError(thrown: unknown, action: string): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  if (!(thrown instanceof NucleusRefusal) || thrown.shape === undefined) {
    return new EdgeError('GREENGRASS_UNREACHABLE', `${action}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const { shape, body } = thrown;
  const sentence = text(body, 'message') ?? text(body, '_message') ?? '';
  const name = text(body, '_errorCode') ?? shape;
  const said = `${name} ${sentence}`;
  const failed = (reason: Reason, why: string): EdgeError =>
    new EdgeError(reason, `${action}: ${why}`, { cause: thrown });
  if (/unauthori[sz]ed|not authori[sz]ed|accessdenied/i.test(said))
    return failed('NUCLEUS_DENIED', sentence || name);
  if (/notfound|not found|doesn't exist|does not exist/i.test(said))
    return failed('KEY_NOT_FOUND', sentence || name);
  if (/invalid/i.test(said)) return failed('NUCLEUS_REFUSED', sentence || name);
  // Nucleus lite answers an operation that it lacks with a ServiceError without a sentence.
  if (sentence === '') return failed('NUCLEUS_LACKS_OPERATION', 'this nucleus does not have the operation');
  return failed('NUCLEUS_FAILED', sentence);
}

function text(body: JsonObject, key: string): string | undefined {
  const value = body[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
