import { createMemoryEngine, type MemoryModel } from '../../../src/engine/mod.js';
import type { Tensor } from '../../../src/contract/mod.js';
import { engineContract } from '../../lib/engine-contract.js';
import { floats, floatsOf } from '../../lib/tensors.js';

const encode = (model: unknown): Uint8Array => Buffer.from(JSON.stringify(model));

engineContract('the in-memory engine', {
  engine: () => Promise.resolve(createMemoryEngine(read)),
  identity: (datatype, shape) => encode({ datatype, shape }),
  sum: () => encode('sum'),
});

function read(bytes: Uint8Array): MemoryModel | undefined {
  if (!/^["{]/.test(Buffer.from(bytes).toString())) return undefined;
  const model = JSON.parse(Buffer.from(bytes).toString()) as 'sum' | Omit<Tensor, 'data' | 'name'>;
  if (model === 'sum') return sumOfTwo;
  return {
    inputs: [{ name: 'x', ...model }],
    outputs: [{ name: 'y', ...model }],
    run: (inputs) => inputs.map((tensor) => ({ ...tensor, name: 'y', data: Uint8Array.from(tensor.data) })),
  };
}

const vector = { datatype: 'FP32', shape: ['n'] } as const;
const sumOfTwo: MemoryModel = {
  inputs: [
    { name: 'a', ...vector },
    { name: 'b', ...vector },
  ],
  outputs: [
    { name: 'sum', ...vector },
    { name: 'difference', ...vector },
  ],
  run: (inputs) => {
    const values = (name: string): number[] => floatsOf(inputs.find((tensor) => tensor.name === name));
    const b = values('b');
    return [
      floats(
        'sum',
        values('a').map((value, index) => value + (b[index] ?? 0)),
      ),
      floats(
        'difference',
        values('a').map((value, index) => value - (b[index] ?? 0)),
      ),
    ];
  },
};
