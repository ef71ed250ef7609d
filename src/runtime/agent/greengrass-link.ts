import { SpoolResult, topics } from '../../contract/mod.js';
import { EdgeError, messageOf, toEdgeError, validate, type Clock, type Logger } from '../../core/mod.js';
import { createResponder, decodeMessage, type GreengrassPort, type Responder } from '../../ipc/mod.js';
import type { CaptureSpool } from '../../capture/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { Agent } from './agent.js';
import { deferUpdates } from './component-updates.js';
import { CountedTransport } from './counted-transport.js';

export interface GreengrassLinkOptions {
  readonly greengrass: GreengrassPort;
  readonly agent: Agent;
  readonly configuration: ConfigurationHolder;
  readonly capture: CaptureSpool;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GreengrassLink {
  readonly responder: Responder;
  /** Takes no more requests; those under way are still answered. */
  close(): Promise<void>;
  /** Resolves when every reply and event has gone out. */
  flushed(): Promise<void>;
}

/** What the agent does with Greengrass once it is there: configuration, requests, events, update deferral. */
export async function linkGreengrass(options: GreengrassLinkOptions): Promise<GreengrassLink> {
  const { greengrass, agent, configuration, capture, clock, logger } = options;
  const read = async (): Promise<unknown> => await greengrass.getConfiguration([]);
  await configuration.offer(await readConfiguration(read));
  const ends = [await greengrass.onConfigurationChange([], () => configuration.touched(read))];
  // Changes that came while the connection was away were told to nobody.
  const endConnection = greengrass.onConnection((state) => {
    if (state === 'regained') configuration.touched(read);
  });
  const transport = new CountedTransport(greengrass);
  agent.attach(async (topic, payload) => await transport.publish(topic, payload));
  const responder = await createResponder({ transport, handlers: agent.handlers, clock, logger });
  ends.push(
    await greengrass.subscribe(topics.spoolResult, ({ payload }) => {
      try {
        validate(SpoolResult, decodeMessage(payload, 'Cannot read the notice'), 'Cannot read the notice');
      } catch (thrown) {
        logger.debug('An unreadable notice was ignored', { reason: messageOf(thrown) });
        return;
      }
      capture
        .reconcile()
        .catch((thrown: unknown) => logger.warn('Receipts could not be read', { reason: messageOf(thrown) }));
    }),
    await deferUpdates({ greengrass, pending: () => agent.pending, clock, logger }),
  );
  const endHeartbeat = agent.heartbeat.start(greengrass);
  await greengrass.updateState('RUNNING').catch((thrown: unknown) => {
    logger.debug('The state was not reported', { reason: messageOf(thrown) });
  });
  return {
    responder,
    flushed: async () => await transport.flushed(),
    close: async () => {
      endConnection();
      endHeartbeat();
      await responder.close().catch(() => undefined);
      await Promise.allSettled(ends.map((end) => end()));
    },
  };
}

/** A component without any configuration is one with defaults. */
async function readConfiguration(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (thrown) {
    const error = toEdgeError(thrown);
    if (error.code === 'NOT_FOUND') return {};
    throw new EdgeError(error.reason, error.message, { cause: thrown });
  }
}
