import { INLINE_MAX_BYTES, type FileRegion } from '../../contract/mod.js';
import { EdgeError } from '../../core/mod.js';
import { checkTensorBytes, tensorByteSize } from '../../tensor/mod.js';
import type { HostTensor, LoadReport, RunRequest, RunResult } from './port/mod.js';

/**
 * Holds a result against what was asked: the wanted outputs by name, order and datatype, as many bytes as their shapes
 * take, and no more than the reply or the caller's file has room for.
 * @throws EdgeError that says what the host should have answered
 */
export function checkResult(
  { outputs }: RunResult,
  request: RunRequest,
  { outputs: known }: Pick<LoadReport, 'outputs'>,
): void {
  const wanted = request.blind === true ? [] : (request.outputs ?? known.map(({ name }) => name));
  if (outputs.length !== wanted.length)
    throw wrong(`it must have ${wanted.length} outputs`, String(outputs.length));
  let inlineBytes = 0;
  for (const [index, output] of outputs.entries()) {
    const { name, datatype } = output;
    if (name !== wanted[index]) throw wrong(`output ${index} must be '${wanted[index]}'`, name);
    const metadata = known.find((one) => one.name === name);
    if (metadata?.datatype !== datatype)
      throw wrong(`'${name}' must be ${metadata?.datatype ?? 'known'}`, datatype);
    if ('file' in output) checkRegion(output, request.outputFile);
    else {
      checkTensorBytes(output, name);
      inlineBytes += output.data.byteLength;
    }
  }
  const { maxInlineBytes = INLINE_MAX_BYTES } = request;
  if (inlineBytes > maxInlineBytes)
    throw wrong(`outputs may take ${maxInlineBytes} bytes inline`, String(inlineBytes));
}

function checkRegion(
  { name, datatype, shape, file }: Extract<HostTensor, { file: FileRegion }>,
  room: FileRegion | undefined,
): void {
  const wanted = tensorByteSize(datatype, shape);
  if (wanted !== undefined && wanted !== file.byteSize)
    throw wrong(`'${name}' must have ${wanted} bytes`, String(file.byteSize));
  const isWithin =
    room !== undefined &&
    file.name === room.name &&
    file.offset >= room.offset &&
    file.offset + file.byteSize <= room.offset + room.byteSize;
  if (!isWithin) throw wrong(`'${name}' must lie in the caller's file`, JSON.stringify(file));
}

function wrong(wanted: string, actual: string): EdgeError {
  return new EdgeError(
    'MESSAGE_UNREADABLE',
    `Cannot take the result as ${wanted}: current value is ${actual}`,
  );
}
