import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FloorProcess, type Pace } from '../../../examples/floors/mod.js';
import { ROOT } from '../../../examples/stage/mod.js';
import type { Tensor } from '../../../src/contract/mod.js';
import { pythonAbsence } from '../../lib/python-host.js';
import type { Bench } from '../row.js';
import type { HttpAnswer, HttpQuestion } from './http-caller.js';
import { PythonPeer } from './python.js';

/** What each call of a server took that was answered in time. */
export interface CallsAnswer {
  readonly samplesMs: readonly number[];
}

export interface Calls extends Pace {
  readonly act: 'predict' | 'hang';
  /** A call that takes longer has failed. Default: none. */
  readonly timeoutMs?: number;
}

/** A server as users write it, with its client in a process of its own. */
export interface PeerServer {
  call(calls: Calls): Promise<CallsAnswer>;
  close(): Promise<void>;
}

export interface Served {
  readonly modelFile: string;
  readonly inputs: readonly Tensor[];
  /** Another model, whose run takes for ever. */
  readonly hangingFile?: string;
}

/** Why a server cannot be had here, or undefined. */
export function grpcAbsence(): string | undefined {
  return pythonAbsence('grpc', 'onnxruntime', 'numpy');
}

export function uvicornAbsence(): string | undefined {
  return pythonAbsence('uvicorn', 'onnxruntime', 'numpy');
}

/** Python's grpcio at both ends. */
export async function startGrpc(bench: Bench, served: Served): Promise<PeerServer> {
  const { socket, body } = await placeOf(bench, served);
  const server = await PythonPeer.start(bench, 'grpc_server.py', serverArguments(socket, served));
  const caller = await PythonPeer.start(bench, 'grpc_caller.py', [socket]);
  return {
    call: (calls) => caller.ask({ ...calls, file: body }),
    close: async () => {
      await caller.close();
      await server.close();
    },
  };
}

/** Our own client in Python, one file of the examples, on the endpoint of the agent. */
export async function startPythonFace(bench: Bench, endpoint: string, served: Served): Promise<PeerServer> {
  const { body } = await placeOf(bench, served);
  const caller = await PythonPeer.start(bench, 'face_caller.py', [endpoint], [join(ROOT, 'examples/python')]);
  return { call: (calls) => caller.ask({ ...calls, file: body }), close: () => caller.close() };
}

/** uvicorn, with a client in Node. */
export async function startUvicorn(bench: Bench, served: Served): Promise<PeerServer> {
  const { socket, body } = await placeOf(bench, served);
  const server = await PythonPeer.start(bench, 'uvicorn_server.py', serverArguments(socket, served));
  const caller = await FloorProcess.start<HttpQuestion, HttpAnswer>('../../test/bench/peers/http-caller.js', [
    socket,
  ]);
  bench.onEnd(() => caller.close());
  return {
    call: (calls) => caller.ask({ ...calls, file: body }),
    close: async () => {
      await caller.close();
      await server.close();
    },
  };
}

function serverArguments(socket: string, { modelFile, hangingFile }: Served): string[] {
  return [socket, modelFile, ...(hangingFile === undefined ? [] : [hangingFile])];
}

/** A socket, and a file with the inputs as the servers of this folder take them: what they know themselves left out. */
async function placeOf(bench: Bench, { inputs }: Served): Promise<{ socket: string; body: string }> {
  const folder = await bench.folder('peer');
  const body = join(folder, 'body');
  await writeFile(body, Buffer.concat(inputs.filter(({ name }) => name !== 'sr').map(({ data }) => data)));
  return { socket: join(folder, 'peer.sock'), body };
}
