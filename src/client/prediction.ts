import type { ReplyOf, RequestOf, Tensor, WireTensor } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import { rawBytesOf } from '../tensor/mod.js';
import type { Laid } from './carriers.js';
import type { ExchangeFile } from './exchange-file.js';
import { pick } from './pick.js';
import type { Prediction, PredictOptions } from './types.js';

export function predictRequest(
  inputs: readonly Tensor[],
  { carriers, output }: Laid,
  captureId: string,
  options: PredictOptions,
): RequestOf<'predict'> {
  return {
    inputs: inputs.map((input, index) => ({ ...headOf(input), ...carriers[index] })),
    captureId,
    ...(output === undefined ? {} : { outputFile: output }),
    ...pick(options, ['version', 'label', 'capture']),
    ...(options.outputs === undefined ? {} : { outputs: [...options.outputs] }),
  };
}

/** The reply with its outputs' bytes, wherever they came. */
export async function predictionOf(reply: ReplyOf<'predict'>, { file }: Laid): Promise<Prediction> {
  const outputs: Tensor[] = [];
  for (const output of reply.outputs as WireTensor[]) outputs.push(await readTensor(output, file));
  const { model, version, queueMs, runMs } = reply;
  return { model, version, outputs, queueMs, runMs, ...pick(reply, ['captureId']) };
}

/** A tensor without its bytes. */
export function headOf(
  from: Pick<WireTensor, 'name' | 'datatype'> & { readonly shape: readonly number[] },
): Pick<WireTensor, 'name' | 'datatype' | 'shape'> {
  return { name: from.name, datatype: from.datatype, shape: [...from.shape] };
}

async function readTensor(from: WireTensor, file: ExchangeFile | undefined): Promise<Tensor> {
  // Memory of its own: a Buffer would be a view of a pool, whose `slice().buffer` is not the tensor's bytes.
  const data =
    from.file === undefined
      ? new Uint8Array(rawBytesOf(from) ?? Buffer.from(from.b64 ?? '', 'base64'))
      : await file?.read(from.file);
  if (data === undefined)
    throw new EdgeError('INTERNAL', `Cannot read output '${from.name}' as no file was offered`);
  return { ...headOf(from), data };
}
