import { setMaxListeners } from 'node:events';
import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { EdgeError, endsWithin, within, type Clock, type Random } from '../../core/mod.js';
import type { Identity } from './identity.js';
import { openRelay, type Relay } from './relay.js';

export type Client = greengrasscoreipc.Client;

const CONNECT_MS = 10_000;
/** The device client waits for writes that may never end. */
const CLOSE_MS = 1000;
/** What is under way when a client closes can corrupt its native memory: it must have got through the relay. */
const QUIET_MS = 100;
const DRYING_MS = 2000;

/** One connection, from the nucleus's answer to its end. */
export interface Link {
  /** An operation of the device client, which may never settle. */
  run<T>(operation: (client: Client) => Promise<T>): Promise<T>;
  /** Aborts when the connection is lost or closed. */
  readonly signal: AbortSignal;
  /** What came from the nucleus so far. */
  readonly heardBytes: number;
  /** Takes it for lost, whatever its socket says. */
  lose(cause: Error): void;
  /** Always settles. */
  close(reason: EdgeError): Promise<void>;
}

export interface LinkOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the attempt with its reason. */
  readonly signal: AbortSignal;
}

/** @throws EdgeError UNAVAILABLE or PERMISSION_DENIED; nothing of the attempt is left */
export async function openLink({ identity, clock, random, signal }: LinkOptions): Promise<Link> {
  const relay = await openRelay(await identity.enter({ clock, signal }), random);
  const life = new AbortController();
  // One listener per call under way is no leak, however many there are.
  setMaxListeners(0, life.signal);
  const client = greengrasscoreipc.createClient({
    ...greengrasscoreipc.createDefaultClientConfig(),
    hostName: relay.socketPath,
    connectTransform: ({ message }) => {
      message.payload = JSON.stringify({ authToken: relay.token });
      return Promise.resolve(message);
    },
  });
  const underWay = new Set<Promise<unknown>>();
  const run = async <T>(operation: (client: Client) => Promise<T>): Promise<T> => {
    const running = operation(client);
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
    }
  };
  const connecting = client.connect();
  const close = async (reason: EdgeError): Promise<void> => {
    if (!life.signal.aborted) life.abort(reason);
    // A client that is closed while it connects aborts the process; the relay lets each connect come to its end.
    await endsWithin(clock, CONNECT_MS, connecting).catch(() => undefined);
    if (!(await endsWithin(clock, QUIET_MS, Promise.allSettled(underWay)))) await dried(relay, clock);
    await endsWithin(clock, CLOSE_MS, client.close()).catch(() => undefined);
    await relay.close().catch(() => undefined);
  };
  const lost = (cause: Error): void => {
    if (life.signal.aborted) return;
    void close(new EdgeError('CONNECTION_LOST', 'The connection to Greengrass was lost', { cause }));
  };
  client.on('disconnection', (event) => lost(event?.reason ?? new Error('The device client has closed')));
  void relay.lost.then(lost);
  try {
    await within(clock, CONNECT_MS, connecting, { signals: [signal, life.signal] });
  } catch (thrown) {
    await close(new EdgeError('CONNECTION_LOST', 'The connection was not made', { cause: thrown }));
    signal.throwIfAborted();
    if (thrown instanceof EdgeError) throw thrown;
    throw new EdgeError('GREENGRASS_UNREACHABLE', 'Cannot connect the device client to Greengrass', {
      cause: thrown,
    });
  }
  return {
    run,
    signal: life.signal,
    get heardBytes() {
      return relay.heardBytes;
    },
    lose: lost,
    close,
  };
}

/** A nucleus that reads nothing is in nobody's way: nothing more comes when all has been written. */
async function dried(relay: Relay, clock: Clock): Promise<void> {
  relay.cut();
  for (const endMs = clock.monotonicMs() + DRYING_MS; clock.monotonicMs() < endMs;) {
    const { droppedBytes } = relay;
    await clock.sleep(QUIET_MS);
    if (relay.droppedBytes === droppedBytes) return;
  }
}
