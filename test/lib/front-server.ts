import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** An answer that somebody on the way gives instead of the store. */
export interface FrontAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes in the middle of the announced body. */
  readonly cut?: boolean;
}

/** What stands between a device and its store: a portal, a proxy, another server; or nobody, and all goes through. */
export class FrontServer implements AsyncDisposable {
  readonly #server: Server;
  /** Undefined: the request goes on to the store. */
  answer: ((method: string) => FrontAnswer | undefined) | undefined;
  answered = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(store: string): Promise<FrontServer> {
    const server = createServer((incoming, outgoing) => void front.#take(incoming, outgoing, store));
    const front = new FrontServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return front;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.resolve();
  }

  async #take(incoming: IncomingMessage, outgoing: ServerResponse, store: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const answer = this.answer?.(incoming.method ?? '');
    if (answer === undefined) return passOn(incoming, Buffer.concat(chunks), outgoing, store);
    this.answered++;
    const { status, headers = {}, body = '', cut = false } = answer;
    const length = Buffer.byteLength(body) + (cut ? 100 : 0);
    outgoing.writeHead(status, {
      ...headers,
      ...(status === 204 ? {} : { 'content-length': String(length) }),
    });
    if (cut) outgoing.write(body, () => outgoing.destroy());
    else outgoing.end(body);
  }
}

/** The same request, with the Host that was signed. */
function passOn(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse, store: string): void {
  const { hostname, port } = new URL(store);
  const { method, url: path, headers } = incoming;
  const onward = request({ hostname, port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  onward.once('error', () => outgoing.destroy());
  onward.end(body);
}
