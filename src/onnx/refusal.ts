import { EdgeError } from '../core/mod.js';

/** Why a model's bytes are not taken. */
export function refused(reason: string, cause?: unknown): EdgeError {
  return new EdgeError('MODEL_REFUSED', `Cannot accept the model as ${reason}`, {
    nextStep: 'Compile it again with edge-manager compile, which makes one self-contained file',
    ...(cause === undefined ? {} : { cause }),
  });
}
