import { EdgeError, endsWithin, messageOf, retry, toEdgeError, type Clock } from '../../core/mod.js';
import { basename } from '../../disk/mod.js';
import { connectGreengrass } from '../../ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';
import type { Component, Worker } from './component.js';
import { Ends } from './ends.js';

/** A stop has 5 s in all, most of it for what is under way. */
const UNLINK_MS = 300;
const FLUSH_MS = 400;
/** The port itself waits for no nucleus that says nothing: what takes longer is read and answered all the while. */
const CLOSE_MS = 1500;
const BACKOFF = { baseMs: 200, capMs: 5000 };

/** A component's way to Greengrass, from the first attempt to the end. */
export interface Connection {
  /** Rejects where no further attempt can help; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the link: no more requests come. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The one owner of a component's connection. It connects and links in the background, for as long as it takes, as the
 * nucleus may be slow; a link that fails is undone before the next try. Only a refused SVCUID is final, as it ends
 * with the lifecycle script that got it. After the first success the port looks after itself.
 */
export function joinGreengrass(
  worker: Worker,
  component: Component,
  connect: () => Promise<GreengrassPort> = () => connectAs(worker),
): Connection {
  const { clock } = worker;
  const closing = new AbortController();
  let greengrass: GreengrassPort | undefined;
  const ends = new Ends();
  const joining = (async () => {
    greengrass = await persist(worker, closing.signal, connect);
    const port = greengrass;
    await persist(worker, closing.signal, () => linkOnce(component, port, ends));
  })();
  const failed = joining.then(async () => await new Promise<never>(() => undefined));
  // Whoever stops before it has failed never looks at it.
  failed.catch(() => undefined);
  return {
    failed,
    drain: async () => {
      closing.abort(new EdgeError('CLOSED', 'The component is stopping'));
      await briefly(clock, UNLINK_MS, joining);
      await briefly(clock, UNLINK_MS, ends.close());
    },
    close: async () => {
      await briefly(clock, FLUSH_MS, component.flushed?.());
      await briefly(clock, CLOSE_MS, greengrass?.close());
    },
  };
}

/** A component's work folder has its name, on both nuclei. */
async function connectAs(worker: Worker): Promise<GreengrassPort> {
  return await connectGreengrass({ ...worker, component: basename(worker.workFolder) });
}

async function linkOnce(component: Component, greengrass: GreengrassPort, ends: Ends): Promise<void> {
  try {
    await component.link(greengrass, ends.add);
  } catch (thrown) {
    await ends.close();
    throw thrown;
  }
}

/** The nucleus may be stopping too: nothing of it is waited for longer than this, and its refusals say nothing new. */
async function briefly(clock: Clock, limitMs: number, act: Promise<unknown> | undefined): Promise<void> {
  if (act !== undefined) await endsWithin(clock, limitMs, act).catch(() => undefined);
}

async function persist<T>(worker: Worker, closing: AbortSignal, act: () => Promise<T>): Promise<T> {
  const { clock, random, logger } = worker;
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
      logger.warn('Greengrass is not there yet: the component goes on without it', { attempt, reason });
    },
  });
}
