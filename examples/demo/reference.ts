import { createHash } from 'node:crypto';
import type { Tensor } from '../../src/contract/mod.js';
import { createOnnxEngine, type EngineSession } from '../../src/engine/mod.js';
import { readFile } from 'node:fs/promises';
import { tensor } from '../../src/client/mod.js';
import type { DemoEngine } from './engine.js';
import { probabilityOf } from './results-file.js';
import { type WindowResult, STATE_ELEMENTS, STATE_SHAPE, windowAt } from '../voice-activity/mod.js';

/** As the model.yaml of the Silero versions says for golden samples. */
const TOLERANCE = { absolute: 0.001, relative: 0.01 };

/** What plain onnxruntime-node says of the same windows. */
export interface Comparison {
  readonly compared: number;
  readonly mismatches: number;
  /** Milliseconds of each bare run. */
  readonly bareRunsMs: readonly number[];
  /** Speech probabilities of the reference, in the order of the results. */
  readonly probabilities: readonly number[];
}

/**
 * Plays the recording to plain sessions of the versions that the replies named, carrying the state as the app did.
 * The agent's own engine must give the same bits; another build of ONNX Runtime what the models' packages allow.
 * @param modelFiles ONNX file by version
 */
export async function compareWithPlainRuntime(
  results: readonly WindowResult[],
  samples: Float32Array,
  modelFiles: ReadonlyMap<string, string>,
  by: DemoEngine,
): Promise<Comparison> {
  const engine = await createOnnxEngine();
  const sessions = new Map<string, EngineSession>();
  for (const [version, file] of modelFiles) {
    sessions.set(version, await engine.load(await readFile(file), { graphOptimization: 'all' }));
  }
  let state: Uint8Array = new Uint8Array(STATE_ELEMENTS * 4);
  let mismatches = 0;
  const bareRunsMs: number[] = [];
  const probabilities: number[] = [];
  for (const result of results) {
    if (result.window === 0) state = new Uint8Array(STATE_ELEMENTS * 4);
    const session = result.version === null ? undefined : sessions.get(result.version);
    if (session === undefined) {
      // A failed window leaves the app's state as it was; an unknown version is a difference.
      if (result.version !== null) mismatches++;
      probabilities.push(0);
      continue;
    }
    const begunMs = performance.now();
    const outputs = await session.run(inputsFor(samples, result.window, state));
    bareRunsMs.push(performance.now() - begunMs);
    const output = bytesOf(outputs, 'output');
    state = bytesOf(outputs, 'stateN');
    probabilities.push(Buffer.from(output).readFloatLE(0));
    const same = by === 'node' ? sameAsResult(result, output, state) : nearResult(result, output);
    if (!same) mismatches++;
  }
  for (const session of sessions.values()) await session.close();
  return { compared: results.length, mismatches, bareRunsMs, probabilities };
}

function inputsFor(samples: Float32Array, window: number, state: Uint8Array): Tensor[] {
  const input = windowAt(samples, window);
  return [
    tensor('input', 'FP32', [1, input.length], input),
    { name: 'state', datatype: 'FP32', shape: STATE_SHAPE, data: state },
    tensor('sr', 'INT64', [], BigInt64Array.of(16_000n)),
  ];
}

function bytesOf(outputs: readonly Tensor[], name: string): Uint8Array {
  const found = outputs.find((output) => output.name === name);
  if (found === undefined) throw new Error(`The reference gave no output '${name}'`);
  return found.data.slice();
}

/** The app keeps its state, which comes into the window after it, so what it was shows there. */
function nearResult(result: WindowResult, output: Uint8Array): boolean {
  const actual = probabilityOf(result);
  const expected = Buffer.from(output).readFloatLE(0);
  return Math.abs(actual - expected) <= TOLERANCE.absolute + TOLERANCE.relative * Math.abs(expected);
}

function sameAsResult(result: WindowResult, output: Uint8Array, state: Uint8Array): boolean {
  const stateHash = createHash('sha256').update(state).digest('hex').slice(0, 16);
  return Buffer.from(output).toString('hex') === result.output && stateHash === result.state;
}
