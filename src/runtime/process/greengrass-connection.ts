import {
  EdgeError,
  endsWithin,
  messageOf,
  retry,
  toEdgeError,
  type Clock,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { connectGreengrass } from '../../ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';
import { linkGreengrass, type Agent, type AgentDependencies, type GreengrassLink } from '../agent/mod.js';

const UNSUBSCRIBE_MS = 300;
const FLUSH_MS = 400;
const BACKOFF = { baseMs: 200, capMs: 5000 };

export interface ConnectionOptions {
  readonly agent: Agent;
  readonly dependencies: AgentDependencies;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The agent's way to Greengrass, from its first attempt to its end. */
export interface GreengrassConnection {
  /** Rejects where no further attempt can help; never resolves. */
  readonly failed: Promise<never>;
  /** Takes no more requests. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects in the background, for as long as it takes: the nucleus may be slow. Only a refused SVCUID is final, as
 * it ends with the lifecycle script that got it. After the first success the connection looks after itself.
 */
export function joinGreengrass(options: ConnectionOptions): GreengrassConnection {
  const closing = new AbortController();
  let greengrass: GreengrassPort | undefined;
  let link: GreengrassLink | undefined;
  const joining = join(options, closing.signal, (port) => {
    greengrass = port;
  }).then((made) => {
    link = made;
  });
  const failed = joining.then(async () => await new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  return {
    failed,
    drain: async () => {
      closing.abort(new EdgeError('AGENT_STOPPING', 'The agent is stopping'));
      await briefly(options.clock, UNSUBSCRIBE_MS, joining);
      await briefly(options.clock, UNSUBSCRIBE_MS, link?.close());
    },
    close: async () => {
      await briefly(options.clock, FLUSH_MS, link?.flushed());
      options.agent.attach(undefined);
      await briefly(options.clock, FLUSH_MS, greengrass?.close());
    },
  };
}

/** The nucleus may be stopping too: nothing of it is waited for longer than this, and its refusals say nothing new. */
async function briefly(clock: Clock, limitMs: number, act: Promise<unknown> | undefined): Promise<void> {
  if (act !== undefined) await endsWithin(clock, limitMs, act).catch(() => undefined);
}

async function join(
  options: ConnectionOptions,
  closing: AbortSignal,
  onConnected: (port: GreengrassPort) => void,
): Promise<GreengrassLink> {
  const { agent, dependencies, environment, clock, random, logger } = options;
  const { configuration, capture } = dependencies;
  const greengrass = await persist(options, closing, () =>
    connectGreengrass({ clock, random, logger, environment }),
  );
  onConnected(greengrass);
  const link = await persist(options, closing, () =>
    linkGreengrass({ greengrass, agent, configuration, capture, clock, logger }),
  );
  logger.info('Agent connected');
  return link;
}

async function persist<T>(
  { clock, random, logger }: ConnectionOptions,
  closing: AbortSignal,
  act: () => Promise<T>,
): Promise<T> {
  return await retry(act, {
    clock,
    random,
    ...BACKOFF,
    leastMs: BACKOFF.baseMs,
    signal: closing,
    worth: (thrown) => toEdgeError(thrown).code !== 'PERMISSION_DENIED',
    onPause: ({ thrown, attempt }) => {
      if (attempt >= 4 && attempt % 50 !== 0) return;
      const reason = messageOf(thrown);
      logger.warn('Greengrass is not there yet: the agent serves without it', { attempt, reason });
    },
  });
}
