import {
  EdgeError,
  endsWithin,
  messageOf,
  SerialQueue,
  type Clock,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { FRAMED_INLINE_BYTES, FRAMED_PROTOCOL, MAX_FRAME_BYTES, type Hello } from '../../ipc/framed/mod.js';
import type { Responder } from '../../ipc/mod.js';
import { listenUnix, VERSION, type ByteChannel, type UnixListener } from '../../system/mod.js';
import { ENDPOINT_CALLERS } from '../schedule/mod.js';
import type { Configuration, ConfigurationHolder } from '../config/mod.js';
import { FramedConnection, type ConnectionHouse } from './connection.js';
import { EndpointGate } from './gate.js';

const MAX_CONNECTIONS = 128;
/** With those that are told so and closed. */
const MAX_LINGERING = 2 * MAX_CONNECTIONS;
/** Requests under way over all connections. */
const MAX_UNDER_WAY_BYTES = 32 * 1024 * 1024;
const LOOK_MS = 1000;
const TRY_AGAIN_MS = 10_000;
/** For what was answered to be read when the endpoint closes. */
const LAST_WORDS_MS = 500;

export interface EndpointOptions {
  readonly configuration: Pick<ConfigurationHolder, 'current' | 'onChange'>;
  /** Where the socket is while the configuration names no place; absolute. */
  readonly defaultPath: string;
  /** Its own, so that callers of the endpoint take no places of those over IPC. */
  readonly responder: Pick<Responder, 'answer'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The last connection of a client has gone. */
  readonly onGone: (client: string) => void;
}

/** The agent's local endpoint, open as long as the configuration has it. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #house: ConnectionHouse;
  readonly #connections = new Set<FramedConnection>();
  readonly #owing = new Set<FramedConnection>();
  /** Connections by client: its folder goes with the last one. */
  readonly #clients = new Map<string, number>();
  readonly #turns = new SerialQueue();
  readonly #endFollowing: () => void;
  #listener: UnixListener | undefined;
  #place = '';
  #cancelLook: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #counter = 0;
  #lastFailure = '';
  #closed = false;

  private constructor(options: EndpointOptions) {
    this.#options = options;
    const { clock, logger, responder, configuration, random } = options;
    this.#house = {
      clock,
      logger,
      responder,
      gate: new EndpointGate(configuration),
      welcome: {
        protocol: FRAMED_PROTOCOL,
        agentVersion: VERSION,
        startId: random.hex(16),
        maxFrameBytes: MAX_FRAME_BYTES,
        inlineBytes: FRAMED_INLINE_BYTES,
      },
      underWay: { bytes: 0 },
      maxUnderWayBytes: MAX_UNDER_WAY_BYTES,
      onHello: (hello) => this.#greeted(hello),
      onOwing: (connection) => this.#watch(connection),
      onGone: (connection) => this.#gone(connection),
    };
    this.#endFollowing = configuration.onChange(() => this.#follow());
  }

  /** Opens it where the configuration wants it; where it can't be had, the log says why, and it is tried again. */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const endpoint = new Endpoint(options);
    endpoint.#follow();
    await endpoint.#turns.idle();
    return endpoint;
  }

  /** Connections that are there. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Sends what is answered, and closes. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endFollowing();
    this.#cancelRetry?.();
    await this.#turns.run(() => this.#shut());
    this.#cancelLook?.();
  }

  #follow(): void {
    void this.#turns.run(async () => {
      this.#cancelRetry?.();
      const wanted = this.#wanted(this.#options.configuration.current);
      const place = JSON.stringify(wanted ?? '');
      if (this.#closed || (place === this.#place && (this.#listener !== undefined || wanted === undefined)))
        return;
      await this.#shut();
      this.#place = place;
      if (wanted !== undefined) await this.#listen(wanted);
    });
  }

  #wanted({ endpoint }: Configuration): { path: string; group: string | undefined } | undefined {
    if (endpoint === undefined) return undefined;
    return { path: endpoint.unixSocket ?? this.#options.defaultPath, group: endpoint.group };
  }

  async #listen({ path, group }: { path: string; group: string | undefined }): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      this.#listener = await listenUnix({
        path,
        group,
        what: 'the endpoint',
        onConnection: (channel) => this.#connected(channel),
      });
      this.#lastFailure = '';
      logger.info('Endpoint open', { path });
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (reason !== this.#lastFailure) logger.error('The endpoint is closed', { path, reason });
      this.#lastFailure = reason;
      this.#cancelRetry = clock.after(TRY_AGAIN_MS, () => this.#follow(), { unref: true });
    }
  }

  async #shut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closing = listener?.close();
    for (const connection of this.#connections) connection.end();
    if (closing === undefined || (await endsWithin(this.#options.clock, LAST_WORDS_MS, closing))) return;
    // The agent has to stop in time, whoever does not read.
    for (const connection of this.#connections) connection.drop();
    await closing;
  }

  #connected(channel: ByteChannel): FramedConnection {
    const connection = new FramedConnection(channel, this.#house);
    if (this.#connections.size >= MAX_LINGERING) connection.drop();
    else if (this.#connections.size >= MAX_CONNECTIONS && !this.#makeRoom()) {
      connection.refuse(
        new EdgeError(
          'CONNECTIONS_TAKEN',
          `Cannot take the connection as ${MAX_CONNECTIONS} are at work already`,
          { retryAfterMs: 1000 },
        ),
      );
    }
    this.#connections.add(connection);
    return connection;
  }

  /** Closes the connection that has been silent longest; false where all are at work. */
  #makeRoom(): boolean {
    const idle = [...this.#connections].filter(({ isIdle }) => isIdle);
    const [first] = idle.toSorted((a, b) => a.lastHeardMs - b.lastHeardMs);
    first?.drop();
    return first !== undefined;
  }

  #greeted({ name, session }: Hello): { client: string; caller: string } {
    const number = this.#counter++;
    const own = session ?? `#${number}`;
    const caller = `${ENDPOINT_CALLERS}${name ?? `~${own}`}`;
    const client = `${caller}/${own}`;
    this.#clients.set(client, (this.#clients.get(client) ?? 0) + 1);
    return { client, caller };
  }

  #gone(connection: FramedConnection): void {
    this.#connections.delete(connection);
    this.#owing.delete(connection);
    const { client } = connection;
    if (client === undefined) return;
    const left = (this.#clients.get(client) ?? 1) - 1;
    if (left > 0) this.#clients.set(client, left);
    else this.#clients.delete(client);
    if (left === 0) this.#options.onGone(client);
  }

  /** One timer for all, and none while nobody owes anything. */
  #watch(connection: FramedConnection): void {
    this.#owing.add(connection);
    this.#cancelLook ??= this.#options.clock.after(LOOK_MS, () => this.#look(), { unref: true });
  }

  #look(): void {
    this.#cancelLook = undefined;
    const nowMs = this.#options.clock.monotonicMs();
    const owing = [...this.#owing];
    this.#owing.clear();
    for (const connection of owing) if (connection.patienceLeft(nowMs)) this.#watch(connection);
  }
}
