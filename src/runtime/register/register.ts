import { resolve } from '../../disk/mod.js';
import { messageOf, retry, toEdgeError, type Clock, type Logger, type Random } from '../../core/mod.js';
import type { ReplyOf } from '../../contract/mod.js';
import { connectGreengrass } from '../../ipc/greengrass/mod.js';
import { createRequester, type GreengrassPort } from '../../ipc/mod.js';
import { readAnnounced } from '../packages/mod.js';

/** The startup step has 600 s; its shell may have waited 100 s for the agent already. */
const TOTAL_MS = 480_000;
const BACKOFF = { baseMs: 500, capMs: 5000 };

export interface RegisterOptions {
  /** The model component's artifact folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Asks the agent to admit a package, with the model component's own SVCUID, and waits for the verdict. The agent
 * may be starting, or restarting under the request: both are waited out, as its answer to a package that it has
 * admitted meanwhile is the same.
 * @throws EdgeError with the agent's reason where the package is refused
 */
export async function registerPackage(options: RegisterOptions): Promise<ReplyOf<'register'>> {
  const { clock } = options;
  const folder = resolve(options.folder);
  // The component's name tells which reply topics its policy allows.
  const { manifest } = await readAnnounced(folder);
  const endsAtMs = clock.monotonicMs() + TOTAL_MS;
  const component = manifest.componentName;
  const greengrass = await persist(options, endsAtMs, () => connectGreengrass({ ...options, component }));
  try {
    return await ask(options, greengrass, component, folder, endsAtMs);
  } finally {
    await greengrass.close();
  }
}

async function ask(
  options: RegisterOptions,
  transport: GreengrassPort,
  component: string,
  path: string,
  endsAtMs: number,
): Promise<ReplyOf<'register'>> {
  const requester = await createRequester({ ...options, transport, component });
  try {
    return await persist(options, endsAtMs, async () => {
      const timeoutMs = Math.max(1000, endsAtMs - options.clock.monotonicMs());
      return await requester.request('register', { component, path }, { timeoutMs });
    });
  } finally {
    await requester.close();
  }
}

/** Tries again while the other side is only not there yet. */
async function persist<T>(
  { clock, random, logger }: RegisterOptions,
  endsAtMs: number,
  act: () => Promise<T>,
): Promise<T> {
  return await retry(act, {
    clock,
    random,
    ...BACKOFF,
    leastMs: BACKOFF.baseMs,
    endsAtMs,
    worth: (thrown) => ['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(toEdgeError(thrown).code),
    onPause: ({ thrown, attempt }) => {
      if (attempt === 1) logger.info('Waiting for the agent', { reason: messageOf(thrown) });
    },
  });
}

/** The verdict as one sentence for the component's log. */
export function verdictSentence(reply: ReplyOf<'register'>): string {
  const { verdict, model, version, warning, switchMs } = reply;
  switch (verdict) {
    case 'ADMITTED':
      return `ADMITTED: ${model} ${version} serves (switched in ${switchMs ?? 0} ms)`;
    case 'ALREADY_ADMITTED':
      return `ALREADY_ADMITTED: ${model} ${version} was admitted before`;
    default:
      return `ADMITTED_WITH_WARNING: ${model} ${version}: ${warning ?? 'no reason is known'}`;
  }
}
