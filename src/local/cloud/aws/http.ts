import { loopbackServer, type HttpRequest, type HttpResponse, type LoopbackServer } from '../../http/mod.js';
import { isJsonObject, messageOf } from '../../../core/mod.js';
import { AwsError, conflict, invalid, throttled } from './errors.js';
import { deniedToAll, type Gate } from './gate.js';
import { decode, decodeStructure, encode, fromText, membersOf, type Operation } from './model.js';
import { isForm, queryAnswer, queryError, readForm } from './query-protocol.js';
import type { ServiceName } from './services.js';

/** @param caller access key id of whoever asks; undefined within this process */
export type Handler = (input: Record<string, unknown>, caller: string | undefined) => unknown;

export interface BoundOperation {
  readonly operation: Operation;
  readonly handler: Handler;
}

/** What a test may do to a call: refuse it before it has an effect, or cut the connection after it had one. */
export type CallHook = (call: {
  readonly operation: string;
  readonly index: number;
}) => 'throttle' | 'conflict' | 'deny' | 'cut-before' | 'cut-after' | undefined;

interface Route extends BoundOperation {
  readonly pattern: RegExp;
  readonly labels: readonly string[];
}

/** More than the largest member, a configuration's merge of 10 MiB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** JSON over HTTP (STS: forms and XML) as the services speak it, on 127.0.0.1. Counts the calls of each operation. */
export class AwsHttpServer {
  readonly calls = new Map<string, number>();
  readonly #routes: readonly Route[];
  readonly #server: LoopbackServer;
  readonly #gate: Gate;
  #hook: CallHook | undefined;
  #index = 0;

  constructor(operations: readonly BoundOperation[], gate: Gate, hook: CallHook | undefined) {
    this.#gate = gate;
    this.#routes = operations.map(routeOf).sort((a, b) => a.labels.length - b.labels.length);
    this.#hook = hook;
    this.#server = loopbackServer((request, response) => this.#serve(request, response));
  }

  setHook(hook: CallHook | undefined): void {
    this.#hook = hook;
  }

  async listen(port: number): Promise<number> {
    return await this.#server.listen(port);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const body = await readBody(request);
      const found = this.#find(request.method ?? 'GET', url.pathname, request.headers['x-amz-target']);
      const caller = this.#gate.authenticate(request, body, found?.route.operation);
      if (found === undefined) throw unknownOperation(`${request.method} ${url.pathname}`);
      const { operation } = found.route;
      const answer = await this.#carryOut(found.route, caller, () => {
        const input = readInput(operation, found.labels, url, body);
        this.#gate.admit(caller, operation, input);
        return input;
      });
      if (answer === 'cut') return void request.socket.destroy();
      send(response, operation, answer.output);
    } catch (error) {
      const isGreengrass = request.url?.startsWith('/greengrass/') === true;
      const internal = isGreengrass ? 'InternalServerException' : 'InternalFailureException';
      sendError(response, error, isForm(request), internal);
    }
  }

  /**
   * A call within this process, by the service model's names: as over HTTP, but input and output are not checked
   * against the model.
   */
  async invoke(service: ServiceName, name: string, input: Record<string, unknown>): Promise<unknown> {
    const route = this.#routes.find(
      (one) => one.operation.service === service && one.operation.name === name,
    );
    if (route === undefined) throw unknownOperation(`${service} ${name}`);
    const answer = await this.#carryOut(route, undefined, () => input);
    if (answer === 'cut') throw new ConnectionCut();
    return answer.output;
  }

  async #carryOut(
    { operation, handler }: Route,
    caller: string | undefined,
    read: () => Record<string, unknown>,
  ): Promise<'cut' | { readonly output: unknown }> {
    this.calls.set(operation.name, (this.calls.get(operation.name) ?? 0) + 1);
    const order = this.#hook?.({ operation: operation.name, index: this.#index++ });
    if (order === 'cut-before') return 'cut';
    const input = read();
    if (order === 'throttle') throw throttled(operation.service);
    if (order === 'conflict') throw conflict(operation.name);
    if (order === 'deny') throw deniedToAll(operation);
    const output = await handler(input, caller);
    return order === 'cut-after' ? 'cut' : { output };
  }

  #find(
    method: string,
    path: string,
    target: string | string[] | undefined,
  ): { route: Route; labels: Map<string, string> } | undefined {
    for (const route of this.#routes) {
      if (route.operation.method !== method || route.operation.target !== target) continue;
      const match = route.pattern.exec(path);
      if (match === null) continue;
      const labels = route.labels.map((name, index): [string, string] => [
        name,
        decodeURIComponent(match[index + 1] ?? ''),
      ]);
      return { route, labels: new Map(labels) };
    }
    return undefined;
  }
}

/** What a caller in this process sees of a cut connection. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}

function unknownOperation(asked: string): AwsError {
  return new AwsError('UnknownOperationException', 404, `The local cloud has no operation ${asked}`);
}

function routeOf(bound: BoundOperation): Route {
  const labels: string[] = [];
  const source = bound.operation.path.replaceAll(/\{(\w+)\+?\}/g, (_text, name: string) => {
    labels.push(name);
    return '([^/]+)';
  });
  return { ...bound, pattern: new RegExp(`^${source}$`), labels };
}

async function readBody(request: HttpRequest): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES)
      throw new AwsError('RequestEntityTooLargeException', 413, 'Request is too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function readInput(
  operation: Operation,
  labels: ReadonlyMap<string, string>,
  url: URL,
  body: Buffer,
): Record<string, unknown> {
  const { service } = operation;
  const members = membersOf(operation.input);
  const input: Record<string, unknown> = {};
  const inBody = members.filter((member) => member.place === 'body');
  if (inBody.length > 0 || operation.protocol === 'query')
    Object.assign(input, decodeStructure(service, inBody, parse(operation, body), ''));
  for (const member of members) {
    const text = member.place === 'label' ? labels.get(member.name) : queryText(member, url);
    if (text !== undefined) input[member.name] = fromText(service, member.type, text, member.name);
    else if (member.place === 'query' && url.searchParams.has(member.queryName)) {
      input[member.name] = decode(
        service,
        member.type,
        url.searchParams.getAll(member.queryName),
        member.name,
      );
    } else if (member.place === 'payload') input[member.name] = body;
    if (member.required && input[member.name] === undefined) {
      throw invalid(service, `${member.name} is required`, member.name);
    }
  }
  return input;
}

function queryText(
  member: { place: string; queryName: string; type: unknown },
  url: URL,
): string | undefined {
  if (member.place !== 'query' || typeof member.type !== 'number' || member.type >= 64) return undefined;
  return url.searchParams.get(member.queryName) ?? undefined;
}

function parse(operation: Operation, body: Buffer): unknown {
  if (operation.protocol === 'query') return readForm(operation, body);
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    throw invalid(operation.service, 'The body is not JSON');
  }
}

function send(response: HttpResponse, operation: Operation, output: unknown): void {
  const payload = membersOf(operation.output).find((member) => member.place === 'payload');
  if (payload !== undefined && isJsonObject(output)) {
    const bytes = (output as Record<string, unknown>)[payload.name];
    response.writeHead(operation.status, { 'content-type': 'application/octet-stream' });
    response.end(bytes);
    return;
  }
  if (operation.protocol === 'query') {
    response.writeHead(operation.status, { 'content-type': 'text/xml' });
    response.end(queryAnswer(operation, output));
    return;
  }
  response.writeHead(operation.status, { 'content-type': 'application/json' });
  response.end(operation.status === 204 ? undefined : JSON.stringify(encode(output ?? {})));
}

function sendError(response: HttpResponse, thrown: unknown, asXml: boolean, internal: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const error = thrown instanceof AwsError ? thrown : new AwsError(internal, 500, messageOf(thrown));
  if (asXml) {
    response.writeHead(error.status, { 'content-type': 'text/xml' });
    response.end(queryError(error));
    return;
  }
  response.writeHead(error.status, { 'content-type': 'application/json', 'x-amzn-errortype': error.name });
  response.end(JSON.stringify({ __type: error.name, message: error.message, ...error.extra }));
}
