import type { Tensor, TensorMetadata } from '../contract/mod.js';
import { checkTensorBytes } from '../tensor/mod.js';
import { EdgeError } from '../core/mod.js';

/** What a tensor says of itself before its bytes are there. */
type TensorForm = Pick<Tensor, 'name' | 'datatype' | 'shape'>;

/**
 * Checks inputs against what the model wants, before any native code sees them: ONNX Runtime ignores inputs
 * that it does not know, and its own errors do not say which of our fields is meant.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function checkInputs(wanted: readonly TensorMetadata[], inputs: readonly Tensor[]): void {
  checkInputForms(wanted, inputs);
  for (const [index, tensor] of inputs.entries()) checkBytes(tensor, `inputs[${index}]`);
}

/**
 * The part of {@link checkInputs} that needs no bytes: whoever reads them from elsewhere asks first, so that nothing
 * is read that the model has no room for.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function checkInputForms(wanted: readonly TensorMetadata[], inputs: readonly TensorForm[]): void {
  const byName = new Map(wanted.map((metadata) => [metadata.name, metadata]));
  const given = new Set<string>();
  for (const [index, tensor] of inputs.entries()) {
    const field = `inputs[${index}]`;
    const metadata = byName.get(tensor.name);
    if (metadata === undefined) {
      const known = wanted.map(({ name }) => name).join(', ');
      throw refused(
        `${field}.name`,
        `'${tensor.name}' must be an input of the model: known inputs are ${known}`,
      );
    }
    if (given.has(tensor.name)) throw refused(`${field}.name`, `'${tensor.name}' must be given once`);
    given.add(tensor.name);
    checkForm(metadata, tensor, field);
  }
  const missing = wanted.find(({ name }) => !given.has(name));
  if (missing !== undefined) throw refused('inputs', `'${missing.name}' is missing`);
}

function checkForm(wanted: TensorMetadata, tensor: TensorForm, field: string): void {
  if (tensor.datatype !== wanted.datatype) {
    throw refused(
      `${field}.datatype`,
      `'${tensor.name}' must be ${wanted.datatype}: current value is ${tensor.datatype}`,
    );
  }
  if (!fits(wanted.shape, tensor.shape)) {
    throw refused(
      `${field}.shape`,
      `'${tensor.name}' must have the shape [${wanted.shape.join(', ')}]: current shape is [${tensor.shape.join(', ')}]`,
    );
  }
}

function checkBytes(tensor: Tensor, field: string): void {
  checkTensorBytes(tensor, field);
  // ONNX Runtime takes any byte as a bool and then computes with it.
  if (tensor.datatype === 'BOOL' && tensor.data.some((byte) => byte > 1)) {
    throw refused(field, `'${tensor.name}' must hold only 0 and 1`);
  }
}

/** The binding gives `[]` both for a scalar and for an input of any rank, and ONNX Runtime then takes any rank. */
function fits(wanted: TensorMetadata['shape'], shape: readonly number[]): boolean {
  if (wanted.length === 0) return true;
  return (
    shape.length === wanted.length &&
    wanted.every((size, axis) => typeof size === 'string' || size < 0 || size === shape[axis])
  );
}

/** The wanted outputs in the model's own terms; all where the caller names none. */
export function checkOutputs(
  known: readonly TensorMetadata[],
  wanted: readonly string[] | undefined,
): readonly string[] {
  if (wanted === undefined) return known.map(({ name }) => name);
  const names = new Set(known.map(({ name }) => name));
  const seen = new Set<string>();
  for (const [index, name] of wanted.entries()) {
    if (!names.has(name)) {
      throw refused(
        `outputs[${index}]`,
        `'${name}' must be an output of the model: known outputs are ${[...names].join(', ')}`,
      );
    }
    if (seen.has(name)) throw refused(`outputs[${index}]`, `'${name}' must be named once`);
    seen.add(name);
  }
  return wanted;
}

function refused(field: string, reason: string): EdgeError {
  return new EdgeError('TENSOR_INVALID', `Cannot run the model as ${reason}`, { field });
}
