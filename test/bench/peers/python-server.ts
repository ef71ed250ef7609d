import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quantile } from '../../../examples/floors/mod.js';
import { loopPackage } from '../../lib/test-models.js';
import { hang, loadLoop } from '../agent/hang.js';
import { speechInputs } from '../agent/inputs.js';
import type { App } from '../agent/rig.js';
import { alternate, atLeast, joined, paired, skipped, type Figure } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import {
  grpcAbsence,
  startGrpc,
  startPythonFace,
  startUvicorn,
  uvicornAbsence,
  type PeerServer,
  type Served,
} from './servers.js';

const ROUNDS = 25;
const SAMPLES = 25;
/** A p99 is of a hundred samples and more. */
const ROUNDS_OF_P99 = 5;
const PAUSE_MS = 3;
/** Requests that hang, each given up after a second: as many as the gRPC server has threads. */
const HANGS = 4;
/** What is asked of the other model then. */
const AFTERWARDS = 20;
const AFTERWARDS_MS = 250;

const PEERS = [
  { name: 'grpc', title: 'Python gRPC server', client: 'Python', absence: grpcAbsence, start: startGrpc },
  { name: 'uvicorn', title: 'uvicorn', client: 'Node', absence: uvicornAbsence, start: startUvicorn },
] as const;
type Peer = (typeof PEERS)[number];

/** What users write today, with the same model and the same pauses. */
export const pythonServer: BenchRow = {
  name: 'python-server',
  about:
    "a Silero window every 3 ms answered over the endpoint's framed face, beside plain Python servers with ONNX Runtime in them (grpcio at both ends; uvicorn with a client in Node), and what each still answers while another model hangs",
  run: async (bench) => {
    const rig = await bench.rig();
    const { modelFile } = await rig.install('SileroVad');
    await loadLoop(bench, rig);
    const folder = await bench.folder('hanging');
    const hangingFile = join(folder, 'loop.onnx');
    await writeFile(hangingFile, loopPackage().model);
    const served: Served = { modelFile, inputs: speechInputs(), hangingFile };
    const app = await rig.startApp('face');
    const figures: Figure[] = [];
    const ours = { app, endpoint: rig.endpoint };
    for (const peer of PEERS) figures.push(...(await against(bench, peer, served, ours)));
    await app.close();
    return figures;
  },
};

/** The agent's own clients, each in a process of its own. */
interface Ours {
  readonly app: App;
  readonly endpoint: string;
}

async function against(
  bench: Bench,
  peer: Peer,
  served: Served,
  { app, endpoint }: Ours,
): Promise<readonly Figure[]> {
  const absence = peer.absence();
  if (absence !== undefined) return [skipped(`framed face / ${peer.title}`, absence)];
  const server = await peer.start(bench, served);
  const pace = { count: bench.share(SAMPLES, 2), pauseMs: PAUSE_MS };
  // The same language at both clients.
  const python = peer.client === 'Python' ? await startPythonFace(bench, endpoint, served) : undefined;
  const ours = async (): Promise<readonly number[]> =>
    python === undefined
      ? (await app.ask({ ...predict(served), ...pace })).samplesMs
      : (await python.call({ ...pace, act: 'predict' })).samplesMs;
  const theirs = async (): Promise<readonly number[]> =>
    (await server.call({ ...pace, act: 'predict' })).samplesMs;
  await ours();
  await theirs();
  const rounds = await alternate(bench.share(ROUNDS, 2), { theirs, ours });
  const figure = (name: string, share: number, together: number): Figure =>
    paired(
      { atMost: 1 },
      {
        figure: `framed face / ${peer.title}, both clients in ${peer.client}, ${name}`,
        unit: 'x',
        rounds: joined(rounds, together),
        statistic: (samples) => quantile(samples, share),
        floors: ['theirs'],
        of: (round) => round.ours / round.theirs,
      },
    );
  const figures = [
    figure('p50', 0.5, 1),
    figure('p99', 0.99, ROUNDS_OF_P99),
    await whileHanging(bench, peer, server, served, app),
  ];
  await Promise.all([server.close(), python?.close()]);
  return figures;
}

function predict({ inputs }: Served) {
  return { kind: 'predict', model: 'SileroVad', inputs, capture: 'never' } as const;
}

async function whileHanging(
  bench: Bench,
  peer: Peer,
  server: PeerServer,
  served: Served,
  app: App,
): Promise<Figure> {
  const hangs = bench.share(HANGS);
  const count = bench.share(AFTERWARDS);
  for (let index = 0; index < hangs; index++) await hang(app);
  const ours = await app.ask({ ...predict(served), count, timeoutMs: AFTERWARDS_MS });
  await server.call({ act: 'hang', count: hangs, timeoutMs: 1000 });
  const theirs = await server.call({ act: 'predict', count, timeoutMs: AFTERWARDS_MS });
  return atLeast(count, {
    figure: `answers of ${count} after ${hangs} requests of another model hung (${peer.title} beside it)`,
    value: ours.samplesMs.length,
    unit: 'answers',
    detail: { theirs: theirs.samplesMs.length },
  });
}
