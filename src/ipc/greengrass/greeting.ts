import { connect, type Socket } from 'node:net';
import { deferred, within, type Clock, type JsonObject } from '../../core/mod.js';
import { decodeFrame, encodeFrame, FrameSplitter, CONNECTION_ACCEPTED, MESSAGE_TYPE } from '../frames/mod.js';

/** A busy device's nucleus may take seconds; a listener that never answers is no nucleus. */
const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export type NucleusSocket = Socket;

/** What a nucleus said to a connect message. */
export type Greeting =
  | { readonly kind: 'accepted'; readonly socket: NucleusSocket; readonly svcuid: string | undefined }
  /** The Java nucleus says no. */
  | { readonly kind: 'refused' }
  /** Nucleus lite says no, its table of connections is full, or the nucleus is about to go. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'unreachable'; readonly cause: Error };

export interface GreetOptions {
  readonly clock: Clock;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Connects and says the first words, in plain frames. Nothing of the nucleus's follows its answer before the first
 * request, so the socket is given on as it is.
 * @param words the connect message's payload
 */
export async function greet(
  socketPath: string,
  words: JsonObject,
  { clock, signal }: GreetOptions,
): Promise<Greeting> {
  const socket = connect(socketPath);
  try {
    const greeting = await within(clock, ANSWER_MS, answerTo(socket, words), {
      signals: [signal],
      late: () => new Error(`It did not answer within ${ANSWER_MS} ms`),
    });
    if (greeting.kind !== 'accepted') socket.destroy();
    return greeting;
  } catch (thrown) {
    socket.destroy();
    signal.throwIfAborted();
    return { kind: 'unreachable', cause: thrown as Error };
  }
}

async function answerTo(socket: Socket, words: JsonObject): Promise<Greeting> {
  const answer = deferred<Greeting>();
  const splitter = new FrameSplitter(MAX_ANSWER_BYTES);
  let isConnected = false;
  const onConnect = (): void => {
    isConnected = true;
    socket.write(connectMessage(words));
  };
  const onData = (chunk: Uint8Array): void => {
    try {
      for (const frame of splitter.push(chunk)) {
        const { type, flags, svcuid } = decodeFrame(frame);
        const isYes = type === MESSAGE_TYPE.connectAck && (flags & CONNECTION_ACCEPTED) !== 0;
        answer.resolve(isYes ? { kind: 'accepted', socket, svcuid } : { kind: 'refused' });
      }
    } catch (thrown) {
      answer.reject(thrown as Error);
    }
  };
  const onClose = (): void => answer.resolve({ kind: 'closed' });
  // An error without a connection says why; with one it is a close.
  const onError = (cause: Error): void =>
    answer.resolve(isConnected ? { kind: 'closed' } : { kind: 'unreachable', cause });
  socket
    .on('connect', onConnect)
    .on('data', onData)
    .on('close', onClose)
    .on('end', onClose)
    .on('error', onError);
  try {
    return await answer.promise;
  } finally {
    socket.pause();
    socket.off('connect', onConnect).off('data', onData).off('close', onClose).off('end', onClose);
  }
}

function connectMessage(words: JsonObject): Uint8Array {
  return encodeFrame({
    type: MESSAGE_TYPE.connect,
    flags: 0,
    streamId: 0,
    version: '0.1.0',
    payload: Buffer.from(JSON.stringify(words)),
  });
}
