import { EdgeError, messageOf } from '../core/mod.js';
import { foreignFormatOf } from './foreign-format.js';

/** Why a model's bytes are not taken. */
export function refused(
  reason: string,
  cause?: unknown,
  nextStep = 'Compile and package it again with edge-manager, which takes its weights along',
): EdgeError {
  return new EdgeError('MODEL_REFUSED', `Cannot accept the model as ${reason}`, {
    nextStep,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Bytes that could not be read as an ONNX file: what they seem to be, or else what is wrong with them. */
export function noModel(bytes: Uint8Array, cause: unknown): EdgeError {
  const foreign = foreignFormatOf(bytes);
  return foreign === undefined
    ? refused(
        `it is cut off or no ONNX file in strict form: ${messageOf(cause)}`,
        cause,
        'Give an ONNX file, whole: compare its size with where it comes from',
      )
    : refused(`it is ${foreign.what}`, cause, foreign.nextStep);
}
