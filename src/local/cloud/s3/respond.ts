import type { Clock } from '../../../core/mod.js';
import { nextTurn } from '../../../system/mod.js';
import type { HttpRequest, HttpResponse } from '../../http/mod.js';
import { ConnectionDropped } from './body.js';
import type { FileBody, S3Answer } from './call.js';
import type { Fault } from './faults.js';

export interface Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly requestId: string;
  readonly hostId: string;
  readonly clock: Clock;
  readonly fault: Fault | undefined;
}

/** What of a body is still read before a refusal goes out: more than that ends with its connection. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;

/** Sends an answer, and closes the file that it is made of. Throws ConnectionDropped. */
export async function respond(exchange: Exchange, answer: S3Answer): Promise<void> {
  const { body } = answer;
  try {
    const { request, response } = exchange;
    // What is left unread must not be taken for the next request.
    if (!(await readRest(request))) response.shouldKeepAlive = false;
    response.writeHead(answer.status, headersOf(exchange, answer));
    if (request.method === 'HEAD' || body === undefined || typeof body === 'string')
      response.end(request.method === 'HEAD' ? undefined : body);
    else await sendFile(exchange, body);
  } finally {
    if (typeof body === 'object') await body.file.close();
  }
}

function headersOf(
  { request, requestId, hostId, clock }: Exchange,
  { status, headers, body }: S3Answer,
): Record<string, string> {
  const hasNoBody = request.method === 'HEAD' || status === 204 || status === 304;
  const length =
    typeof body === 'string'
      ? String(Buffer.byteLength(body))
      : body === undefined && !hasNoBody
        ? '0'
        : undefined;
  return {
    ...headers,
    // Clients whose own clock is wrong correct it by this one.
    date: new Date(clock.wallMs()).toUTCString(),
    server: 'AmazonS3',
    'x-amz-request-id': requestId,
    'x-amz-id-2': hostId,
    ...(length === undefined ? {} : { 'content-length': length }),
  };
}

/** A client that still writes would see a reset, not the answer. @returns whether all has been read */
async function readRest(request: HttpRequest): Promise<boolean> {
  if (request.complete) {
    request.resume();
    return true;
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_DRAINED_BYTES) return false;
  request.resume();
  await new Promise((resolve) => request.once('close', resolve).once('end', resolve));
  return true;
}

async function sendFile({ response, fault, clock }: Exchange, body: FileBody): Promise<void> {
  const length = body.endExclusive - body.start;
  const sent = fault?.kind === 'half-body' ? Math.floor(length / 2) : length;
  for await (const piece of body.file.pieces(body.start, body.start + sent)) {
    if (fault?.kind === 'slow') await clock.sleep((piece.length / fault.bytesPerSecond) * 1000);
    if (!response.write(piece)) await drained(response);
    if (response.destroyed) return;
  }
  if (sent < length) {
    // The half must have left before the connection does.
    await nextTurn();
    throw new ConnectionDropped('Scripted: half a body');
  }
  response.end();
}

/** Until the response takes more, or its client has left. */
async function drained(response: HttpResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.on('drain', end).on('close', end);
  });
}
