import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';

export type HttpRequest = IncomingMessage;
export type HttpResponse = ServerResponse;

/** A server on 127.0.0.1. */
export interface LoopbackServer {
  /** @param port 0: any free one @returns the port that it is */
  listen(port: number): Promise<number>;
  /** Cuts all connections. */
  close(): Promise<void>;
}

export interface LoopbackOptions extends ServerOptions {
  /** Whether requests may be meant for other names: for a server that something else stands before. */
  readonly anyHost?: boolean;
}

/**
 * Requests for another name than this machine's own are answered with 421: a web page whose name was made to point
 * here (DNS rebinding) must not reach what is meant for programs of this machine.
 */
export function loopbackServer(
  serve: (request: HttpRequest, response: HttpResponse) => Promise<void>,
  { anyHost = false, ...options }: LoopbackOptions = {},
): LoopbackServer {
  const server = createServer(options, (request, response) => {
    if (anyHost || isOwnName(request)) void serve(request, response);
    else misdirected(request, response);
  });
  return {
    listen: async (port) => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve);
      });
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function isOwnName({ headers, socket }: HttpRequest): boolean {
  const [, name, port] = /^(127\.0\.0\.1|localhost)(?::(\d+))?$/i.exec(headers.host ?? '') ?? [];
  return name !== undefined && Number(port ?? 80) === socket.localPort;
}

function misdirected(request: HttpRequest, response: HttpResponse): void {
  request.resume();
  response.writeHead(421, { 'content-type': 'application/json', connection: 'close' });
  response.end(
    JSON.stringify({ __type: 'MisdirectedRequest', message: 'This is 127.0.0.1 and localhost only' }),
  );
}
