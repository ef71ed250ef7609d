import type { AuxiliaryData, RequestOf, Tensor, WireTensor } from '../contract/mod.js';
import type { Carrier } from './carriers.js';
import { pick } from './pick.js';
import { headOf } from './prediction.js';
import type { AuxiliaryBytes, CaptureData } from './types.js';

/** The bytes of a record's parts, in the order in which {@link captureRequest} takes their carriers. */
export function captureParts({
  inputTensors = [],
  outputTensors = [],
  inputs = [],
  outputs = [],
}: CaptureData): Uint8Array[] {
  return [...inputTensors, ...outputTensors, ...inputs, ...outputs].map(({ data }) => data);
}

export function captureRequest(
  data: CaptureData,
  carriers: readonly Carrier[],
  captureId: string,
): RequestOf<'capture'> {
  const { inputTensors = [], outputTensors = [], inputs = [], outputs = [] } = data;
  const left = [...carriers];
  const tensor = (from: Tensor): WireTensor => ({ ...headOf(from), ...left.shift() });
  const auxiliary = (from: AuxiliaryBytes): AuxiliaryData => ({
    name: from.name,
    encoding: from.encoding,
    ...pick(from, ['contentType']),
    ...left.shift(),
  });
  return {
    modelName: data.modelName,
    captureId,
    ...pick(data, ['version']),
    ...(data.inferenceTimeMs === undefined ? {} : { inferenceTimestamp: timestamp(data.inferenceTimeMs) }),
    inputTensors: inputTensors.map(tensor),
    outputTensors: outputTensors.map(tensor),
    inputs: inputs.map(auxiliary),
    outputs: outputs.map(auxiliary),
  };
}

function timestamp(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
