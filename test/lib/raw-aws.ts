/** The part of an HTTP request of AWS's SDK that tests change. */
export interface WireRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  query: Record<string, string | string[]>;
  body?: unknown;
}

type Middleware = (
  next: (args: { request: unknown }) => Promise<unknown>,
) => (args: { request: unknown }) => Promise<unknown>;

/** Any client of AWS's SDK. */
interface Client {
  readonly middlewareStack: {
    addRelativeTo(middleware: never, options: { relation: 'before' | 'after'; toMiddleware: string }): void;
  };
}

/** Lets a client of AWS's SDK send what it never would: changed before its signature, or behind it. */
export function withRequest(
  client: Client,
  relation: 'before' | 'after',
  change: (request: WireRequest) => void,
): void {
  const middleware: Middleware = (next) => (args) => {
    change(args.request as WireRequest);
    return next(args);
  };
  client.middlewareStack.addRelativeTo(middleware as never, {
    relation,
    toMiddleware: 'httpSigningMiddleware',
  });
}

/** Another body, signed as it is. */
export function withBody(client: Client, body: string): void {
  withRequest(client, 'before', (request) => {
    request.body = body;
    request.headers['content-length'] = String(Buffer.byteLength(body));
  });
}
