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

export function loopbackServer(
  serve: (request: HttpRequest, response: HttpResponse) => Promise<void>,
  options: ServerOptions = {},
): LoopbackServer {
  const server = createServer(options, (request, response) => void serve(request, response));
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
