import { Type } from '@sinclair/typebox';
import { isJsonObject, messageOf, validate, type Json } from '../../../core/mod.js';
import type { Call, Operation, Services } from './call.js';
import type { EventStream } from './event-stream.js';
import {
  CONNECTION_ACCEPTED,
  decodeFrame,
  encodeFrame,
  MESSAGE_TYPE,
  TERMINATE_STREAM,
  type Frame,
} from '../../../ipc/frames/mod.js';
import { operationOf } from './operations.js';
import { refusalOf, refuse, type Reply } from './reply.js';

/** The byte side of a connection. */
export interface Link {
  write(bytes: Uint8Array): void;
  /** Sends what is written, then closes. */
  end(): void;
  /** Resolves once there is room again, or after the time that the nucleus waits; undefined if there is room now. */
  waitForRoom(): Promise<boolean> | undefined;
}

const JSON_TYPE = 'application/json';
const PROTOCOL_VERSION = '0.1.0';
const CONNECT_FIRST =
  'A CONNECT message must be received, and the CONNECT_ACK must be sent in response, before any other message-types can be sent on this connection. In addition, only one CONNECT message is allowed on a connection.';
const ConnectPayload = Type.Object({
  authToken: Type.Optional(Type.String({ minLength: 1 })),
  componentName: Type.Optional(Type.String({ minLength: 1 })),
});

/** Who connects, and the SVCUID that it asked for by its name. */
interface Caller {
  readonly component: string;
  readonly svcuid?: string | undefined;
}

/**
 * The server's side of one event-stream RPC connection.
 *
 * The first frame must be a connect message with a known SVCUID. Then every message with header `operation` on a new
 * stream is a request; its stream stays open only for streaming operations, until the client terminates it or the
 * connection closes. Whatever breaks the protocol closes the connection; whatever an operation refuses does not.
 */
export class Connection {
  readonly #services: Services;
  readonly #link: Link;
  readonly #open = new Map<number, (() => void)[]>();
  #component: string | undefined;
  #isClosed = false;

  constructor(services: Services, link: Link) {
    this.#services = services;
    this.#link = link;
  }

  /** Takes one whole frame; a promise if its operation needs time. */
  receive(bytes: Uint8Array): void | Promise<void> {
    if (this.#isClosed) return undefined;
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      return this.#abandon(messageOf(error));
    }
    if (this.#component === undefined) return this.#connect(frame);
    switch (frame.type) {
      case MESSAGE_TYPE.applicationMessage:
        return this.#applicationMessage(frame, this.#component);
      case MESSAGE_TYPE.ping:
        // A ping with a payload ends the whole Java nucleus; nobody should send any.
        return this.#abandon('Pings are not answered');
      case MESSAGE_TYPE.pingResponse:
        return undefined;
      default:
        return this.#breach(`Message type ${frame.type} is not expected from a client`);
    }
  }

  /** Ends all streams; to be called when the bytes have ended. */
  closed(): void {
    this.#isClosed = true;
    for (const streamId of this.#open.keys()) this.#endStream(streamId);
  }

  #connect(frame: Frame): void {
    if (frame.type !== MESSAGE_TYPE.connect) return this.#breach(CONNECT_FIRST);
    const caller = this.#authenticate(frame);
    if (caller === undefined) {
      if (this.#services.behaviour.acksRefusal) {
        this.#send({ type: MESSAGE_TYPE.connectAck, flags: 0, streamId: 0 });
      }
      return this.#abandon('Refused a connection, as its SVCUID is not known');
    }
    const { component, svcuid } = caller;
    this.#component = component;
    return this.#send({ type: MESSAGE_TYPE.connectAck, flags: CONNECTION_ACCEPTED, streamId: 0, svcuid });
  }

  #authenticate(frame: Frame): Caller | undefined {
    if (frame.version !== undefined && frame.version !== PROTOCOL_VERSION) return undefined;
    try {
      const { kernel, behaviour } = this.#services;
      const what = 'Cannot read the connect message';
      const { authToken, componentName } = validate(ConnectPayload, parseJson(frame.payload), what);
      if (authToken !== undefined) {
        const component = kernel.componentOf(authToken);
        return component === undefined ? undefined : { component };
      }
      // Lite looks whether the process belongs to the component's unit; Node cannot ask a socket for its process.
      if (componentName === undefined || !behaviour.connectsByName) return undefined;
      const svcuid = kernel.svcuidByName(componentName);
      return svcuid === undefined ? undefined : { component: componentName, svcuid };
    } catch {
      return undefined;
    }
  }

  #applicationMessage(frame: Frame, component: string): void | Promise<void> {
    const { streamId } = frame;
    if (streamId <= 0) return this.#breach('An application message needs a stream id');
    if ((frame.flags & TERMINATE_STREAM) !== 0) return this.#endStream(streamId);
    if (this.#open.has(streamId)) return undefined;
    if (frame.operation === undefined)
      return this.#breach('The first message of a stream needs an operation');
    return this.#request(frame, frame.operation, component);
  }

  #request(frame: Frame, name: string, component: string): void | Promise<void> {
    const { streamId } = frame;
    const operation = operationOf(this.#services.behaviour, name);
    if (operation === undefined) {
      return this.#reply(streamId, name, false, this.#services.behaviour.unknown(name));
    }
    this.#open.set(streamId, []);
    const call: Call = {
      operation: name,
      component,
      services: this.#services,
      stream: this.#stream(streamId),
    };
    const reply = run(operation, call, frame.payload);
    if (!(reply instanceof Promise)) return this.#reply(streamId, name, operation.isStreaming, reply);
    return reply.then(
      (settled) => this.#reply(streamId, name, operation.isStreaming, settled),
      (error: unknown) => this.#reply(streamId, name, operation.isStreaming, refusalOf(error)),
    );
  }

  #reply(streamId: number, operation: string, isStreaming: boolean, reply: Reply): void {
    const { behaviour } = this.#services;
    switch (reply.kind) {
      case 'response': {
        const flags = behaviour.terminatesUnary && !isStreaming ? TERMINATE_STREAM : 0;
        const bytes = encodeFrame({
          type: MESSAGE_TYPE.applicationMessage,
          flags,
          streamId,
          contentType: JSON_TYPE,
          shape: `${operation}Response`,
          payload: Buffer.from(reply.body, 'utf8'),
        });
        if (bytes.byteLength > behaviour.maxOutgoingBytes) {
          return this.#reply(streamId, operation, isStreaming, refuse('ServiceError', ''));
        }
        if (!isStreaming) this.#endStream(streamId);
        this.#write(bytes);
        reply.after?.();
        return undefined;
      }
      case 'error':
        return this.#fail(streamId, {
          contentType: JSON_TYPE,
          shape: `aws.greengrass#${reply.shape}`,
          payload: Buffer.from(JSON.stringify(behaviour.errorBody(reply.shape, reply.message)), 'utf8'),
        });
      case 'fault':
        return this.#fail(streamId, { contentType: 'text/plain', payload: Buffer.from(reply.text, 'utf8') });
    }
  }

  #fail(streamId: number, content: Pick<Frame, 'contentType' | 'shape' | 'payload'>): void {
    this.#endStream(streamId);
    this.#send({ type: MESSAGE_TYPE.applicationError, flags: TERMINATE_STREAM, streamId, ...content });
  }

  #stream(streamId: number): EventStream {
    return {
      onEnd: (cleanup) => {
        const cleanups = this.#open.get(streamId);
        if (cleanups === undefined) cleanup();
        else cleanups.push(cleanup);
      },
      send: (shape, body) => this.#event(streamId, shape, body),
    };
  }

  #event(streamId: number, shape: string, payload: Uint8Array): void | Promise<void> {
    if (!this.#open.has(streamId)) return undefined;
    const bytes = encodeFrame({
      type: MESSAGE_TYPE.applicationMessage,
      flags: 0,
      streamId,
      contentType: JSON_TYPE,
      shape: `aws.greengrass#${shape}`,
      payload,
    });
    if (bytes.byteLength > this.#services.behaviour.maxOutgoingBytes) {
      this.#services.logger.warn('Dropped an event, as it is too long for a packet', {
        component: this.#component,
        sizeBytes: bytes.byteLength,
      });
      return undefined;
    }
    const room = this.#services.behaviour.isSerial ? this.#link.waitForRoom() : undefined;
    if (room === undefined) return this.#write(bytes);
    return room.then((hasRoom) => {
      if (hasRoom && this.#open.has(streamId)) this.#write(bytes);
    });
  }

  #endStream(streamId: number): void {
    const cleanups = this.#open.get(streamId);
    this.#open.delete(streamId);
    for (const cleanup of cleanups ?? []) cleanup();
  }

  #send(frame: Parameters<typeof encodeFrame>[0]): void {
    this.#write(encodeFrame(frame));
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#link.write(bytes);
  }

  /** A breach of the protocol: the Java nucleus says so before it closes. */
  #breach(reason: string): void {
    if (this.#services.behaviour.tellsBreaches) {
      const payload = Buffer.from(JSON.stringify({ message: reason }), 'utf8');
      this.#send({
        type: MESSAGE_TYPE.protocolError,
        flags: 0,
        streamId: 0,
        contentType: JSON_TYPE,
        payload,
      });
    }
    this.#abandon(reason);
  }

  #abandon(reason: string): void {
    this.#services.logger.warn('Closed an IPC connection', { component: this.#component, reason });
    this.closed();
    this.#link.end();
  }
}

function run(operation: Operation, call: Call, payload: Uint8Array): Reply | Promise<Reply> {
  const { behaviour } = call.services;
  let request: Json;
  try {
    request = payload.byteLength === 0 ? {} : parseJson(payload);
  } catch {
    return behaviour.profile === 'lite' ? refuse('ServiceError', '') : behaviour.malformed();
  }
  if (!isJsonObject(request) || !behaviour.fitsRequest(request)) {
    return behaviour.profile === 'lite' ? refuse('ServiceError', '') : behaviour.malformed();
  }
  try {
    return operation.run(call, request);
  } catch (error) {
    return refusalOf(error);
  }
}

function parseJson(bytes: Uint8Array): Json {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return JSON.parse(text) as Json;
}
