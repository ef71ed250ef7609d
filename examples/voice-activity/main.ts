import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connect,
  elements,
  tensor,
  type ConnectedClient,
  type EdgeManagerClient,
  type Prediction,
} from 'edge-manager/client';
import { FINISH_TOPIC, RESULTS_FILE, type WindowResult } from './results.js';
import { readWav, STATE_ELEMENTS, STATE_SHAPE, windowAt, windowCount, WINDOW_MS } from './speech.js';

const COMPONENT = 'org.edgemanager.example.VoiceActivity';
const MODEL = 'SileroVad';
/** The agent may still start, and the model be admitted, when this component runs. */
const READY_TIMEOUT_MS = 120_000;
const PREDICT_TIMEOUT_MS = 10_000;
/** Greengrass kills 5 s after SIGTERM; a nucleus that is going too may never answer. */
const END_MS = 1500;

/** Plays a recording to the model at real-time pace, window by window, and carries the model's state. */
async function main(recording: string): Promise<void> {
  const samples = readWav(readFileSync(recording));
  const stop = stopSignal();
  const connection = await connect({ component: COMPONENT });
  const results = openSync(RESULTS_FILE, 'a');
  const ending = { wanted: false };
  const { client, greengrass } = connection;
  endWhereUnknown(greengrass);
  await greengrass.subscribe(FINISH_TOPIC, () => (ending.wanted = true));
  await untilServing(client, stop);
  console.log(JSON.stringify({ message: 'Listening', windows: windowCount(samples) }));
  for (let loop = 0; !ending.wanted && !stop.aborted; loop++)
    await play(client, samples, loop, results, stop);
  closeSync(results);
  console.log(JSON.stringify({ message: 'Finished' }));
  await connection.close();
}

/** Aborts when Greengrass, or a person, wants the end: whatever is waited for then ends at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort(new Error(signal));
      setTimeout(() => process.exit(0), END_MS).unref();
    });
  }
  return stop.signal;
}

/** A nucleus that is killed leaves its processes over: the next one starts others, and ends only those. */
function endWhereUnknown(greengrass: ConnectedClient['greengrass']): void {
  greengrass.onConnection((state, cause) => {
    if (state !== 'refused') return;
    console.error(cause?.message);
    process.exit(1);
  });
}

async function play(
  client: EdgeManagerClient,
  samples: Float32Array,
  loop: number,
  results: number,
  stop: AbortSignal,
): Promise<void> {
  const begunMs = performance.now();
  let state = new Float32Array(STATE_ELEMENTS);
  for (let window = 0; window < windowCount(samples); window++) {
    await pause(begunMs + window * WINDOW_MS - performance.now(), stop);
    if (stop.aborted) return;
    const askedMs = performance.now();
    let result: WindowResult;
    try {
      const said = await predict(client, windowAt(samples, window), state, stop);
      state = said.state;
      result = { loop, window, ...said.result, latencyMs: performance.now() - askedMs };
    } catch (thrown) {
      if (stop.aborted) return;
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      result = { loop, window, version: null, output: '', state: '', captureId: null, latencyMs: 0, error };
    }
    writeSync(results, `${JSON.stringify(result)}\n`);
  }
}

async function predict(
  client: EdgeManagerClient,
  window: Float32Array,
  state: Float32Array,
  signal: AbortSignal,
): Promise<{
  state: Float32Array<ArrayBuffer>;
  result: Pick<WindowResult, 'version' | 'output' | 'state' | 'captureId'>;
}> {
  const prediction = await client.predict(
    MODEL,
    [
      tensor('input', 'FP32', [1, window.length], window),
      tensor('state', 'FP32', STATE_SHAPE, state),
      tensor('sr', 'INT64', [], BigInt64Array.of(16_000n)),
    ],
    { timeoutMs: PREDICT_TIMEOUT_MS, signal },
  );
  const output = outputOf(prediction, 'output');
  const next = outputOf(prediction, 'stateN');
  return {
    state: Float32Array.from(elements(next) as Float32Array),
    result: {
      version: prediction.version,
      output: Buffer.from(output.data).toString('hex'),
      state: createHash('sha256').update(next.data).digest('hex').slice(0, 16),
      captureId: prediction.captureId ?? null,
    },
  };
}

function outputOf(prediction: Prediction, name: string): Prediction['outputs'][number] {
  const output = prediction.outputs.find((candidate) => candidate.name === name);
  if (output === undefined) throw new Error(`The model gave no output '${name}'`);
  return output;
}

/** Ends early where the app shall stop. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

async function untilServing(client: EdgeManagerClient, stop: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!stop.aborted) {
    try {
      const models = await client.listModels({ timeoutMs: 5000, signal: stop });
      if (models.some((model) => model.name === MODEL && model.labels.includes('stable'))) return;
    } catch (thrown) {
      if (performance.now() > deadlineMs && !stop.aborted) throw thrown;
    }
    if (performance.now() > deadlineMs) throw new Error(`No version of ${MODEL} serves on this device`);
    await pause(200, stop);
  }
}

const [recording] = process.argv.slice(2);
if (recording === undefined) {
  console.error('Cannot start as the recording is missing: give the path of a WAV file');
  process.exit(1);
}
try {
  await main(recording);
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(1);
}
