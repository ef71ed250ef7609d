import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../../src/core/mod.js';
import type { HostedModel, LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { HostBench, hostScripts, outputFloats, runRequest, specOf } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const ENTRY = fileURLToPath(new URL('../../lib/scripted-host.js', import.meta.url));
/** So many hosts at once. */
const BESIDE = 6;

/** What a host does with a run, by its script, and what is said of it. */
const BREAKS: readonly (readonly [model: string, sentence: RegExp])[] = [
  ['SendsGarbage', /its length must be a multiple of 8/],
  ['ClaimsFourGibibytes', /at most 67108864 bytes: current size is 4294967288/],
  ['ClaimsMoreTensors', /at most 256 tensors: current value is 65535/],
  ['GreetsTwice', /it answered request 0: the oldest open one is/],
  ['AnswersAnother', /it answered request \d+: the oldest open one is/],
  ['AnswersByDone', /it answered a run by a frame of kind 130/],
  ['AnswersByRun', /it answered a run by a frame of kind 3/],
  ['GivesNoOutput', /it must have 1 outputs: current value is 0/],
  ['GivesTwoOutputs', /it must have 1 outputs: current value is 2/],
  ['GivesAnotherOutput', /output 0 must be 'y': current value is z/],
  ['GivesAnotherType', /'y' must be FP32: current value is INT32/],
  ['GivesFewerBytes', /must hold 8 bytes \(FP32 of shape \[2\]\): current size is 4/],
  ['GivesMoreThanFits', /may take 4400 bytes inline: current value is 20000/],
  ['GivesAForeignFile', /'y' must lie in the caller's file/],
  ['RunsForNaN', /its run time must be a duration: current value is NaN/],
];
/** Those that answer first: the run is answered, and the host ended. */
const BREAKS_AFTER: readonly (readonly [model: string, sentence: RegExp])[] = [
  ['AnswersTwice', /it answered request \d+: none was open/],
  ['FloodsAnswers', /it answered request \d+: none was open/],
  ['RecordsUnasked', /it sent a record of no run/],
  ['RecordsTwice', /it sent a record of no run/],
  ['FloodsRecords', /it sent a record of no run/],
  ['RecordsAnother', /it sent a record of another run/],
  ['RecordsForAnother', /it sent a record of another run/],
  ['RecordsALie', /'x' must have 36 bytes: current value is 4/],
];

describe('A model host that breaks the protocol', () => {
  const lines: string[] = [];
  let bench: HostBench;
  let good: HostedModel;
  const spec = (name: string): LoadSpec => specOf(`${name}@1.0.0`, `${bench.folder}/${name}`);
  const run = async (model: HostedModel, deadlineMs = 60_000) =>
    await model.run(runRequest([floats('x', [1])]), deadlineMs);
  const load = async (name: string): Promise<HostedModel> => await bench.hosts.load(spec(name));
  const ends = (name: string): string[] =>
    lines.filter((line) => line.includes('"Model host ended"') && line.includes(`${name}@1.0.0`));
  const rightOnes = async (): Promise<void> => {
    assert.deepEqual(outputFloats((await run(good)).outputs[0]), [7]);
  };

  before(async () => {
    const { launcher } = await hostScripts();
    const logger = createLogger(
      (line) => lines.push(line),
      () => 0,
    );
    bench = await HostBench.create({ confinement: 'off' }, { entry: ENTRY, launcher }, logger);
    good = await load('Good');
  });
  after(() => bench[Symbol.asyncDispose]());
  afterEach(rightOnes);

  /** Ended by one line that says why; its run failed by its own fault, and another model's did not. */
  const broken = async (name: string, sentence: RegExp, answers: boolean): Promise<void> => {
    const model = await load(name);
    const asked = run(model);
    asked.catch(() => undefined);
    await rightOnes();
    if (answers) assert.deepEqual(outputFloats((await asked).outputs[0]), [7], name);
    else await assert.rejects(asked, { code: 'UNAVAILABLE', atFault: true }, name);
    const exit = await model.gone;
    assert.equal(exit.kind, 'crashed', name);
    assert.match(exit.sentence, /was killed as it broke the host protocol: /, name);
    assert.match(exit.sentence, sentence, name);
    await until(() => ends(name).length > 0, `the end of ${name} is told`);
    assert.equal(ends(name).length, 1, name);
    await assert.rejects(run(model), { code: 'UNAVAILABLE', atFault: false }, name);
  };
  const inTurns = async <T>(cases: readonly T[], act: (one: T) => Promise<void>): Promise<void> => {
    for (let at = 0; at < cases.length; at += BESIDE)
      await Promise.all(cases.slice(at, at + BESIDE).map(act));
  };

  it('by what it answers is killed, and its run fails', async () => {
    await inTurns(BREAKS, async ([name, sentence]) => broken(name, sentence, false));
  });

  it('after its answer is killed, floods of answers and of records among them, without growing its reader', async () => {
    const beforeBytes = process.memoryUsage().rss;
    await inTurns(BREAKS_AFTER, async ([name, sentence]) => broken(name, sentence, true));
    const grownBytes = process.memoryUsage().rss - beforeBytes;
    assert.ok(grownBytes < 150e6, `grew by ${grownBytes} bytes`);
    // Of all these records, those that came where one may.
    assert.deepEqual(
      new Set(bench.sampled.map(({ model }) => model)),
      new Set(['RecordsTwice', 'FloodsRecords']),
    );
    assert.equal(bench.sampled.length, 2);
  });

  it('by its first words loads nothing', async () => {
    await assert.rejects(load('NoHello'), {
      code: 'UNAVAILABLE',
      message: /its first frame must be a hello/,
    });
    await assert.rejects(load('OtherVersion'), { message: /must be 1\.x: current value is 2\.0/ });
  });

  it('is told from one that says why it cannot serve', async () => {
    await assert.rejects(load('Unfit'), {
      reason: 'HOST_UNCONFINED',
      message: 'Cannot start the engine as it is not installed',
    });
  });

  it('by silence, or by half a frame, is killed soon after the deadline', async () => {
    await inTurns(['Hangs', 'SendsHalf'], async (name) => {
      const model = await load(name);
      await assert.rejects(run(model, 100), { code: 'DEADLINE_EXCEEDED' }, name);
      assert.equal((await model.gone).kind, 'killed-deadline', name);
    });
  });

  it('by its end is named by how it ended', async () => {
    const how: readonly (readonly [string, RegExp])[] = [
      ['Crashes', /ended with signal SIGSEGV/],
      ['SendsHalfAndEnds', /ended with exit code 3/],
      ['ClosesItsChannel', /was killed as it closed its channel/],
    ];
    await inTurns(how, async ([name, sentence]) => {
      const model = await load(name);
      await assert.rejects(run(model), { code: 'UNAVAILABLE', atFault: true, message: sentence }, name);
      assert.match((await model.gone).sentence, sentence);
    });
  });

  it('by nothing goes on, and its records are taken', async () => {
    const before = bench.sampled.length;
    const model = await load('Records');
    for (let round = 1; round <= 3; round++) {
      await run(model);
      await until(() => bench.sampled.length === before + round, 'the record is taken');
    }
    const talkative = await load('FloodsLines');
    await run(talkative);
    await model.unload();
    await talkative.unload();
    const wrote = lines.filter((line) => line.includes('"Model host wrote"'));
    assert.ok(wrote.length <= 30, String(wrote.length));
  });
});
