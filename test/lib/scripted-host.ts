// The smallest program that speaks docs/protocol/host.md, and does with a run what the name of its model says: it
// answers, or hangs, lies, crashes, floods or sends what is no frame. No hello before the load, which says what to do.
import { Socket } from 'node:net';
import type { CaptureRecord } from '../../src/capture/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { encodeFrame, FrameReader, type Frame } from '../../src/framing/mod.js';
import {
  decodeControl,
  decodeRun,
  encodeCaptured,
  encodeControl,
  encodeFailed,
  encodeResult,
  HostHello,
  KIND,
  LoadedReport,
  LoadOrder,
  Nothing,
  type RunOrder,
} from '../../src/runtime/host/protocol/mod.js';
import type { HostTensor, RunResult } from '../../src/runtime/host/port/mod.js';
import { floats } from './tensors.js';

const channel = new Socket({ fd: 3, readable: true, writable: true });
const write = (...frames: readonly Uint8Array[]): void => void channel.write(Buffer.concat(frames));

const HELLO = {
  protocol: '1.0',
  engine: 'scripted',
  engineVersion: '1.0.0',
  language: 'typescript',
  providers: ['CPUExecutionProvider'],
  captures: 'host' as const,
  limits: { frameBytes: 2 ** 26 },
  confinement: { phrase: 'none: a test', isHeld: false },
};
const hello = (more: Partial<typeof HELLO> = {}): Buffer =>
  encodeControl(KIND.hostHello, 0, HostHello, { ...HELLO, ...more });

const DIGEST = 'd'.repeat(64);
const y = (values: readonly number[] = [7], name = 'y'): HostTensor => floats(name, values);
const result = (outputs: readonly HostTensor[], captured: RunResult['captured'] = 'no'): RunResult => ({
  outputs,
  runMs: 1,
  nonFinite: false,
  captured,
});

interface Run extends RunOrder {
  readonly id: number;
  /** The model's name. */
  readonly model: string;
}

function record({ model, request }: Run, more: Partial<CaptureRecord> = {}): Buffer {
  return encodeCaptured({
    captureId: request.capture.captureId,
    model,
    modelVersion: '1.0.0',
    packageDigest: DIGEST,
    reasons: ['all'],
    priority: 'sample',
    inferenceTimeMs: 1,
    clockSynchronised: true,
    inputs: [],
    outputs: [],
    ...more,
  });
}

/** Until nobody reads any more. */
function forever(frame: Uint8Array): void {
  const bytes = Buffer.concat(Array.from({ length: 200 }, () => frame));
  const more = (): void => {
    while (channel.write(bytes));
    channel.once('drain', more);
  };
  more();
}

const answer = (run: Run): Buffer => encodeResult(run.id, result([y()]));
const outside = { name: 'other', offset: 0, byteSize: 4 };

/** By the model's name: what is said in place of its hello. */
const GREETINGS: Readonly<Record<string, () => void>> = {
  NoHello: () => write(encodeControl(KIND.done, 1, Nothing, {})),
  OtherVersion: () => write(hello({ protocol: '2.0' })),
  Unfit: () => {
    const missing = new EdgeError('HOST_UNCONFINED', 'Cannot start the engine as it is not installed');
    channel.end(encodeFailed(0, missing, ''), () => process.exit(1));
  },
};

/** By the model's name: what is done with a run. */
const RUNS: Readonly<Record<string, (run: Run) => void>> = {
  Good: (run) => write(answer(run)),
  Records: (run) => write(encodeResult(run.id, result([y()], 'yes')), record(run)),

  Hangs: () => undefined,
  SendsHalf: (run) => write(answer(run).subarray(0, 30)),

  Crashes: () => process.kill(process.pid, 'SIGSEGV'),
  SendsHalfAndEnds: (run) => channel.write(answer(run).subarray(0, 30), () => process.exit(3)),
  ClosesItsChannel: () => {
    channel.destroy();
    // Something else keeps it alive.
    setInterval(() => undefined, 1000);
  },

  SendsGarbage: () => write(Buffer.alloc(4096, 0xa5)),
  ClaimsFourGibibytes: () => write(Buffer.from('f8ffffff83000000010000000000000000', 'hex')),
  ClaimsMoreTensors: ({ id }) =>
    write(encodeFrame({ kind: KIND.result, id, metadata: Buffer.from('000000000000f03f00ffff', 'hex') })),
  GreetsTwice: () => write(hello()),
  AnswersAnother: (run) => write(encodeResult(run.id + 1, result([y()]))),
  AnswersTwice: (run) => write(answer(run), answer(run)),
  AnswersByDone: ({ id }) => write(encodeControl(KIND.done, id, Nothing, {})),
  AnswersByRun: (run) => write(encodeFrame({ kind: KIND.run, id: run.id })),
  GivesNoOutput: ({ id }) => write(encodeResult(id, result([]))),
  GivesTwoOutputs: ({ id }) => write(encodeResult(id, result([y(), y()]))),
  GivesAnotherOutput: ({ id }) => write(encodeResult(id, result([y([7], 'z')]))),
  GivesAnotherType: ({ id }) =>
    write(encodeResult(id, result([{ name: 'y', datatype: 'INT32', shape: [1], data: new Uint8Array(4) }]))),
  GivesFewerBytes: ({ id }) =>
    write(encodeResult(id, result([{ name: 'y', datatype: 'FP32', shape: [2], data: new Uint8Array(4) }]))),
  GivesMoreThanFits: ({ id }) => write(encodeResult(id, result([y(Array.from({ length: 5000 }, () => 7))]))),
  GivesAForeignFile: ({ id }) =>
    write(encodeResult(id, result([{ name: 'y', datatype: 'FP32', shape: [1], file: outside }]))),
  RunsForNaN: ({ id }) => write(encodeResult(id, { ...result([y()]), runMs: Number.NaN })),

  RecordsUnasked: (run) => write(answer(run), record(run)),
  RecordsTwice: (run) => write(encodeResult(run.id, result([y()], 'yes')), record(run), record(run)),
  RecordsAnother: (run) => write(encodeResult(run.id, result([y()], 'yes')), record(run, { captureId: 'x' })),
  RecordsForAnother: (run) =>
    write(encodeResult(run.id, result([y()], 'yes')), record(run, { model: 'Good' })),
  RecordsALie: (run) =>
    write(
      encodeResult(run.id, result([y()], 'yes')),
      record(run, { inputs: [{ name: 'x', datatype: 'FP32', shape: [9], data: new Uint8Array(4) }] }),
    ),

  FloodsAnswers: (run) => forever(answer(run)),
  FloodsRecords: (run) => {
    write(encodeResult(run.id, result([y()], 'yes')));
    forever(record(run));
  },
  FloodsLines: (run) => {
    process.stderr.write(`${'x'.repeat(2000)}\n`.repeat(5000));
    write(answer(run));
  },
};

const models = new Map<number, string>();
let greeted = false;

function take(frame: Frame): void {
  const { id, kind } = frame;
  if (kind === KIND.load) {
    const { handle, key } = decodeControl(LoadOrder, frame);
    const [name = ''] = key.split('@');
    models.set(handle, name);
    const greet = GREETINGS[name];
    if (greet !== undefined) return greet();
    write(...(greeted ? [] : [hello()]), encodeControl(KIND.done, id, LoadedReport, reportOf(name)));
    greeted = true;
  } else if (kind === KIND.run) {
    const order = decodeRun(frame);
    const model = models.get(order.handle) ?? '';
    RUNS[model]?.({ ...order, id, model });
  } else if (kind === KIND.unload || kind === KIND.capture) {
    write(encodeControl(KIND.done, id, Nothing, {}));
  }
}

function reportOf(name: string): typeof LoadedReport.static {
  return {
    digest: DIGEST,
    name,
    version: '1.0.0',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    manifest: {},
    signature: { state: 'unsigned' },
    verifyMs: 1,
    loadMs: 1,
    samplesRun: 0,
    cacheHit: false,
  };
}

const reader = new FrameReader(2 ** 26);
channel.on('data', (chunk: Buffer) => {
  for (const frame of reader.push(chunk)) take(frame);
});
channel.once('end', () => process.exit(0));
channel.on('error', () => process.exit(0));
