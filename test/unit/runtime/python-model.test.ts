import assert from 'node:assert/strict';
import type { CaptureRecord } from '../../../src/capture/mod.js';
import { deferred, EdgeError, type Deferred } from '../../../src/core/mod.js';
import type { HostedModel, LoadReport, RunRequest, RunResult } from '../../../src/runtime/host/port/mod.js';
import { PythonModel } from '../../../src/runtime/host/python-model.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { runRequest } from '../../lib/model-hosts.js';

const REPORT: LoadReport = {
  digest: 'd'.repeat(64),
  name: 'Identity',
  version: '1.0.0',
  inputs: [],
  outputs: [],
  manifest: {},
  signature: { state: 'unsigned' },
  verifyMs: 0,
  loadMs: 0,
  samplesRun: 0,
  cacheHit: false,
  confinement: { phrase: 'none: a test', isHeld: false },
};
const RESULT: RunResult = { outputs: [], runMs: 1, nonFinite: false, captured: 'yes' };

/** A model in a host that answers when the test says so. */
class Hosted implements HostedModel {
  readonly key = 'Identity@1.0.0';
  readonly report = REPORT;
  readonly gone = new Promise<never>(() => undefined);
  readonly answers = new Map<string, Deferred<RunResult>>();

  run({ capture }: RunRequest): Promise<RunResult> {
    const answer = deferred<RunResult>();
    this.answers.set(capture.captureId, answer);
    return answer.promise;
  }
  measureBytes = (): Promise<number> => Promise.resolve(0);
  setCapture = (): Promise<void> => Promise.resolve();
  limitMemory = (): Promise<void> => Promise.resolve();
  unload = (): Promise<void> => Promise.resolve();
}

describe('captures of a model whose host leaves them to the control process', () => {
  let sampled: string[] = [];
  let hosted = new Hosted();
  let model: PythonModel;
  beforeEach(() => {
    sampled = [];
    hosted = new Hosted();
    model = new PythonModel(hosted, {
      capture: { policies: [{ type: 'percentage', percent: 100 }] },
      sampled: ({ captureId }) => sampled.push(captureId),
      clock: systemClock,
      random: systemRandom,
    });
  });
  const run = (captureId: string): Promise<RunResult> =>
    model.run(runRequest([], { capture: { mode: 'policies', captureId, clockSynchronised: true } }), 1000);
  const record = (captureId: string): CaptureRecord => ({
    captureId,
    model: 'Identity',
    modelVersion: '1.0.0',
    packageDigest: REPORT.digest,
    reasons: [],
    priority: 'sample',
    inferenceTimeMs: 1,
    clockSynchronised: true,
    inputs: [],
    outputs: [],
  });

  it('are not lost where the record of a run comes for which nobody waits any more', async () => {
    const [late, next] = [run('late'), run('next')];
    hosted.answers.get('late')?.reject(new EdgeError('DEADLINE_WHILE_RUNNING', 'Cannot finish the run'));
    await assert.rejects(late);
    model.take(record('late'));
    hosted.answers.get('next')?.resolve(RESULT);
    await next;
    model.take(record('next'));
    assert.deepEqual(sampled, ['next']);
  });

  it('hold nothing of a run that was answered without a record, once the next one is answered', async () => {
    for (const id of ['too-large', 'next']) {
      const answered = run(id);
      hosted.answers.get(id)?.resolve(RESULT);
      await answered;
    }
    model.take(record('too-large'));
    model.take(record('next'));
    assert.deepEqual(sampled, ['next']);
  });
});
