import { median, quantile, startEcho } from '../floors/mod.js';
import {
  startStage,
  type Stage,
  type PackagedModel,
  Steps,
  APP,
  APP_VERSION,
  readRecording,
  waitFor,
} from '../stage/mod.js';
import type { Profile } from '../../src/local/nucleus/mod.js';
import { type WindowResult, windowCount, WINDOW_MS } from '../voice-activity/mod.js';
import { connectWatcher, countCaptures } from './captures.js';
import { startChaos } from './chaos.js';
import { readDelivered } from './delivered.js';
import { playToEndpoint } from './endpoint.js';
import { engineConfiguration, type DemoEngine } from './engine.js';
import { speechPicture, speechSegments } from './picture.js';
import { compareWithPlainRuntime, type Comparison } from './reference.js';
import { probabilityOf } from './results-file.js';
import { failuresOf, printSummary, type DemoSummary, type DemoUpdate } from './summary.js';
import { describeUpdate } from './updates.js';
import { addVoiceApp, finishVoice, playedWindows } from './voice.js';

export interface DemoOptions {
  readonly profile: Profile;
  readonly engine: DemoEngine;
  readonly json: boolean;
  /** Stops S3 for the middle third, kills and restarts what startChaos names; no updates meanwhile. */
  readonly chaos: boolean;
  readonly folder?: string;
}

const PREDICT_REQUEST_BYTES = 4700;
/** How many of them the endpoint and the echo get. */
const COMPARED_WINDOWS = 100;
const DELIVERY_TIMEOUT_MS = 120_000;
const MODEL_COMPONENT = 'org.edgemanager.model.SileroVad';

/** The main job, end to end. @returns the sentences of what went wrong; empty is success */
export async function runVoiceDemo(options: DemoOptions): Promise<readonly string[]> {
  const steps = new Steps();
  const engines = engineConfiguration(options.engine);
  const samples = await readRecording();
  await using stage = await startStage({
    profile: options.profile,
    agent: { endpoint: {}, ...engines },
    progress: (text) => steps.step(text),
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  steps.step(`data in ${stage.folder}`);
  steps.step('packaging and signing SileroVad 5.0.0, 6.0.0 and a broken 7.0.0');
  const models = await packageModels(stage);
  await addVoiceApp(stage);
  steps.step('deploying agent, uploader, SileroVad 5.0.0 and the app VoiceActivity');
  const first = await stage.deploy({
    [MODEL_COMPONENT]: { componentVersion: '5.0.0' },
    [APP]: { componentVersion: APP_VERSION },
  });
  if (first.status !== 'SUCCEEDED') return [`The first deployment failed: ${first.reason}`];
  steps.step('the app streams speech at real-time pace');
  const updates = options.chaos
    ? await chaos(stage, steps, samples)
    : await updateUnderLoad(stage, steps, samples);
  steps.step('letting the recording play to its end');
  const results = await finishVoice(stage, samples);
  steps.step('waiting until every captured record is confirmed');
  const summary = await summarise(stage, options, models, samples, results, updates);
  show(summary, results, samples);
  const failures = failuresOf(summary, expectedOutcomes(options), options.engine);
  if (options.json) console.log(JSON.stringify(summary));
  return failures;
}

async function packageModels(stage: Stage): Promise<readonly PackagedModel[]> {
  return [
    await stage.addModel('silero-vad-5'),
    await stage.addModel('silero-vad-6'),
    await stage.addModel('silero-vad-7-broken', { skipSelfTest: true }),
  ];
}

function expectedOutcomes(options: DemoOptions): readonly DemoUpdate['outcome'][] {
  if (options.chaos) return [];
  return ['SUCCEEDED', options.profile === 'nucleus' ? 'ROLLED_BACK' : 'FAILED'];
}

/** Version 6.0.0 while the app streams, then a 7.0.0 that no device should take. */
async function updateUnderLoad(stage: Stage, steps: Steps, samples: Float32Array): Promise<DemoUpdate[]> {
  const updates: DemoUpdate[] = [];
  await playedWindows(stage, windowCount(samples));
  for (const [from, to] of [
    ['5.0.0', '6.0.0'],
    ['6.0.0', '7.0.0'],
  ] as const) {
    steps.step(`deploying ${to} under load`);
    const before = (await playedWindows(stage, 0)).length;
    const result = await stage.deploy({ [MODEL_COMPONENT]: { componentVersion: to } });
    steps.step(`deployment of ${to}: ${result.status}${result.reason === '' ? '' : ` (${result.reason})`}`);
    const played = (await playedWindows(stage, before)).length;
    const windows = (await playedWindows(stage, played + 30)).slice(before);
    updates.push(describeUpdate(from, to, result, windows));
  }
  return updates;
}

/** S3 away for the middle third, uploader and control process killed twice each, all while the app streams. */
async function chaos(stage: Stage, steps: Steps, samples: Float32Array): Promise<DemoUpdate[]> {
  const loops = 3;
  const chaosRun = startChaos(stage, loops * windowCount(samples) * WINDOW_MS, (text) => steps.step(text));
  await playedWindows(stage, (loops - 1) * windowCount(samples));
  await chaosRun;
  return [];
}

async function summarise(
  stage: Stage,
  options: DemoOptions,
  models: readonly PackagedModel[],
  samples: Float32Array,
  results: readonly WindowResult[],
  updates: readonly DemoUpdate[],
): Promise<DemoSummary> {
  const ids = results.flatMap((result) => (result.captureId === null ? [] : [result.captureId]));
  const watcher = await connectWatcher(stage);
  const captured = await waitFor('all captures to be confirmed', DELIVERY_TIMEOUT_MS, async () => {
    const count = await countCaptures(watcher.client, ids);
    return count.confirmed === count.captured.size ? count.captured : undefined;
  });
  const version = results.findLast((result) => result.version !== null)?.version ?? '';
  const { models: stats } = await watcher.client.stats({ model: 'SileroVad' });
  const provider = stats.find((model) => model.version === version)?.provider;
  await watcher.close();
  const delivered = await readDelivered(stage.s3Client, 'edge-manager-captures', stage.capturePrefix);
  const files = new Map(models.map((model) => [model.version, model.modelFile]));
  const comparison = await compareWithPlainRuntime(results, samples, files, options.engine);
  // As often as the app has a window: all on the way sleep between.
  const pace = { count: COMPARED_WINDOWS, intervalMs: WINDOW_MS };
  const echo = await startEcho(stage.nucleus);
  const echoMs = await echo.measure({ ...pace, bytes: PREDICT_REQUEST_BYTES });
  await echo.close();
  const endpointMs = await playToEndpoint(stage, samples, pace);
  return {
    model: 'SileroVad',
    engine: provider === undefined ? 'node' : 'python',
    ...(provider === undefined ? {} : { provider }),
    version,
    windows: results.length,
    speechSeconds: speechSeconds(results),
    mismatches: comparison.mismatches,
    captured: captured.size,
    delivered: delivered.byCaptureId.size,
    duplicates: delivered.records - delivered.byCaptureId.size,
    objects: delivered.objects,
    ...timings(results, comparison, echoMs, endpointMs),
    profile: options.profile,
    updates,
    lost: [...captured].filter((id) => !delivered.byCaptureId.has(id)).length,
    failedWindows: results.filter((result) => result.version === null).length,
  };
}

function timings(
  results: readonly WindowResult[],
  comparison: Comparison,
  echoMs: readonly number[],
  endpointMs: readonly number[],
): Pick<
  DemoSummary,
  'predictP50Ms' | 'predictP99Ms' | 'endpointP50Ms' | 'endpointP99Ms' | 'echoP50Ms' | 'bareRunP50Ms'
> {
  const latencies = results.filter((result) => result.version !== null).map((result) => result.latencyMs);
  const rounded = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    predictP50Ms: rounded(median(latencies)),
    predictP99Ms: rounded(quantile(latencies, 0.99)),
    endpointP50Ms: rounded(median(endpointMs)),
    endpointP99Ms: rounded(quantile(endpointMs, 0.99)),
    echoP50Ms: rounded(median(echoMs)),
    bareRunP50Ms: rounded(median(comparison.bareRunsMs)),
  };
}

function speechSeconds(results: readonly WindowResult[]): number {
  const speaking = results.filter((result) => probabilityOf(result) >= 0.5).length;
  return Math.round(speaking * WINDOW_MS) / 1000;
}

/** The picture of the speech, loop by loop, and the segments of the first. */
function show(summary: DemoSummary, results: readonly WindowResult[], samples: Float32Array): void {
  const windows = windowCount(samples);
  const columns = Math.min(100, (process.stdout.columns ?? 100) - 10);
  console.log('\nSpeech over time (height: probability; below: version that answered)\n');
  for (let begin = 0; begin < results.length; begin += windows) {
    const loop = results.slice(begin, begin + windows);
    const points = loop.map((result) => ({
      probability: probabilityOf(result),
      version: result.version ?? undefined,
    }));
    const [heights, versions] = speechPicture(points, columns);
    console.log(`  ${heights}\n  ${versions}\n`);
  }
  const first = results.slice(0, windows).map(probabilityOf);
  const segments = speechSegments(first, WINDOW_MS / 1000);
  console.log('Segments of speech in the first loop:');
  for (const { startSeconds, endSeconds } of segments) {
    console.log(`  ${startSeconds.toFixed(2)} s to ${endSeconds.toFixed(2)} s`);
  }
  console.log();
  printSummary(summary);
}
