import type { Feed } from './cases.js';
import type { PlainOutcome, PlainOutput, PlainTask } from './plain.js';

/**
 * onnxruntime-node as its own documentation uses it, with nothing of ours between: what this process serves is
 * what we are held to.
 */

const ARRAYS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  // What Node before 24 has for it.
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const;
const NAMES: Readonly<Record<number, keyof typeof ARRAYS | 'string'>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};

process.env['ORT_DISABLE_TELEMETRY'] = '1';
const { InferenceSession, Tensor } = await import('onnxruntime-node');

function valueOf({ elementType, shape, data = '', strings }: Feed): InstanceType<typeof Tensor> {
  const name = NAMES[elementType];
  if (name === undefined) throw new Error(`there is no array for element type ${elementType}`);
  if (name === 'string') return new Tensor('string', [...(strings ?? [])], shape);
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return new Tensor(name as 'float32', new ARRAYS[name](bytes.buffer) as Float32Array, shape);
}

function outputOf(name: string, value: InstanceType<typeof Tensor> | undefined): PlainOutput {
  const data: unknown = value?.data;
  if (value === undefined) throw new Error(`output ${name} is missing`);
  if (Array.isArray(data))
    return { name, type: value.type, shape: [...value.dims], strings: data.map(String) };
  if (!ArrayBuffer.isView(data)) throw new Error(`output ${name} is no tensor`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { name, type: value.type, shape: [...value.dims], bytes };
}

async function run({ model, inputs }: PlainTask): Promise<PlainOutcome> {
  let stage: 'load' | 'run' = 'load';
  try {
    const session = await InferenceSession.create(Uint8Array.from(model), {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    stage = 'run';
    const feeds = Object.fromEntries(inputs.map((feed) => [feed.name, valueOf(feed)]));
    const results = await session.run(feeds);
    const outputs = session.outputNames.map((name) => outputOf(name, results[name]));
    return { kind: 'served', outputs };
  } catch (error) {
    return { kind: 'refused', stage, message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (task: PlainTask) => {
  void run(task).then((outcome) => process.send?.(outcome));
});
process.once('disconnect', () => process.exit(0));
