import type { TensorMetadata } from '../../../contract/mod.js';
import { EdgeError } from '../../../core/mod.js';

/** Inputs and outputs of a model, as one of its accounts has them. */
export interface Signature {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/**
 * Holds what ONNX Runtime loaded against what else is said of the model: by the manifest, after which apps and
 * samples are written, and by the check of the bytes. A difference to the latter means that the two read different
 * graphs in one file.
 * @param account who says `wanted`, for the sentence
 * @param other who says `session`
 * @throws EdgeError FAILED_PRECONDITION with both
 */
export function checkSignature(
  wanted: Signature,
  session: Signature,
  account: string,
  other = 'ONNX Runtime has',
): void {
  checkTensors('inputs', wanted.inputs, session.inputs, { account, other });
  checkTensors('outputs', wanted.outputs, session.outputs, { account, other });
}

function checkTensors(
  field: 'inputs' | 'outputs',
  wanted: readonly TensorMetadata[],
  found: readonly TensorMetadata[],
  { account, other }: { account: string; other: string },
): void {
  const names = (list: readonly TensorMetadata[]): string => list.map(({ name }) => name).join(', ');
  if (wanted.length !== found.length || wanted.some(({ name }) => !find(found, name))) {
    throw refused(
      `its ${field} must be those that ${account} (${names(wanted)}): ${other} ${names(found)}`,
      field,
    );
  }
  for (const want of wanted) {
    const got = find(found, want.name);
    if (got === undefined || (want.datatype === got.datatype && compatible(want.shape, got.shape))) continue;
    throw refused(`'${want.name}' must be ${describe(want)} as ${account}: ${other} ${describe(got)}`, field);
  }
}

function find(list: readonly TensorMetadata[], name: string): TensorMetadata | undefined {
  return list.find((metadata) => metadata.name === name);
}

function describe({ datatype, shape }: TensorMetadata): string {
  return `${datatype} [${shape.join(', ')}]`;
}

/**
 * An open dimension fits any; no shape at all, which looks like a scalar's, fits any rank: a graph may leave out what
 * ONNX Runtime infers.
 */
function compatible(want: TensorMetadata['shape'], got: TensorMetadata['shape']): boolean {
  if (want.length === 0 || got.length === 0) return true;
  const open = (size: number | string | undefined): boolean =>
    size === undefined || typeof size === 'string' || size < 0;
  return (
    want.length === got.length &&
    want.every((size, axis) => open(size) || open(got[axis]) || size === got[axis])
  );
}

function refused(reason: string, field: string): EdgeError {
  return new EdgeError('PACKAGE_REFUSED_MODEL', `Cannot load the model as ${reason}`, {
    field,
  });
}
