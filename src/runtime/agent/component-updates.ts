import { messageOf, toEdgeError, type Clock, type Logger } from '../../core/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';

/** An update waits this long at most, whatever runs. */
const LONGEST_MS = 30_000;
const RECHECK_MS = 1000;

export interface DeferOptions {
  readonly greengrass: GreengrassPort;
  /** Requests without a reply. */
  readonly pending: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Holds a component update back while requests run. The nucleus asks again after each deferral; a deferral of
 * 0 ms says that it may go on. Nucleus lite never asks.
 */
export async function deferUpdates({
  greengrass,
  pending,
  clock,
  logger,
}: DeferOptions): Promise<() => Promise<void>> {
  const since = new Map<string, number>();
  const answer = (deploymentId: string): void => {
    const now = clock.monotonicMs();
    const first = since.get(deploymentId) ?? now;
    since.set(deploymentId, first);
    // A deployment that was given up says no more: nothing of it is waited for by now.
    for (const [other, firstMs] of since)
      if (other !== deploymentId && now - firstMs >= LONGEST_MS) since.delete(other);
    const wait = pending() > 0 && now - first < LONGEST_MS;
    if (!wait) since.delete(deploymentId);
    logger.info(wait ? 'Component update deferred' : 'Component update may go on', {
      deploymentId,
      pending: pending(),
    });
    const message = wait ? `Requests under way: ${pending()}` : undefined;
    greengrass.deferComponentUpdate(deploymentId, wait ? RECHECK_MS : 0, message).catch((thrown: unknown) => {
      logger.warn('The component update could not be answered', { deploymentId, reason: messageOf(thrown) });
    });
  };
  try {
    return await greengrass.onComponentUpdate(({ kind, deploymentId }) => {
      if (kind === 'pre') answer(deploymentId);
      else since.delete(deploymentId);
    });
  } catch (thrown) {
    // Nucleus lite does not have it; SIGTERM drains then.
    logger.debug('Component updates cannot be deferred here', { reason: toEdgeError(thrown).message });
    return async () => undefined;
  }
}
