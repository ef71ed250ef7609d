import { SpoolResult, topics } from '../../contract/mod.js';
import { followConfiguration } from '../../component/configuration/mod.js';
import type { OnEnd } from '../../component/worker/mod.js';
import { messageOf, validate, type Clock, type Logger } from '../../core/mod.js';
import { createResponder, decodeMessage, type GreengrassPort, type Responder } from '../../ipc/mod.js';
import type { CaptureSpool } from '../../capture/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { Agent } from './agent.js';
import type { Publish } from './events.js';
import { deferUpdates } from './component-updates.js';
import { CountedTransport } from './counted-transport.js';
import type { KnownClients } from './known-clients.js';

export interface GreengrassLinkOptions {
  readonly greengrass: GreengrassPort;
  readonly agent: Agent;
  readonly configuration: ConfigurationHolder;
  readonly capture: CaptureSpool;
  readonly clients: Pick<KnownClients, 'heard' | 'tellReturn'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GreengrassLink {
  readonly responder: Responder;
  /** Resolves when every reply and event has gone out. */
  flushed(): Promise<void>;
}

/**
 * What the agent does with Greengrass once it is there: configuration, requests, events, update deferral. When it
 * ends no more requests are taken; those under way are still answered.
 */
export async function linkGreengrass(
  { greengrass, agent, configuration, capture, clients, clock, logger }: GreengrassLinkOptions,
  onEnd: OnEnd,
): Promise<GreengrassLink> {
  onEnd(await followConfiguration(configuration, greengrass));
  const transport = new CountedTransport(greengrass);
  const publish: Publish = async (topic, payload) => await transport.publish(topic, payload);
  agent.attach(publish);
  const responder = await createResponder({
    transport,
    handlers: agent.handlers,
    files: agent.files,
    clock,
    logger,
    onRequest: (replyTo, component) => clients.heard(replyTo, component),
  });
  onEnd(() => responder.close());
  const tellReturn = (): void => void clients.tellReturn(publish);
  onEnd(
    greengrass.onConnection((state) => {
      if (state === 'regained') tellReturn();
    }),
  );
  // From here on requests are heard.
  tellReturn();
  const { heartbeat } = agent;
  onEnd(
    await greengrass.subscribe(topics.spoolResult, ({ payload }) =>
      heard(payload, { capture, heartbeat, logger }),
    ),
  );
  onEnd(await deferUpdates({ greengrass, pending: () => agent.pending, clock, logger }));
  onEnd(heartbeat.start(greengrass));
  await greengrass.updateState('RUNNING').catch((thrown: unknown) => {
    logger.debug('The state was not reported', { reason: messageOf(thrown) });
  });
  return { responder, flushed: async () => await transport.flushed() };
}

/** What the uploader says: of receipts, or of its configuration. */
function heard(
  payload: Uint8Array,
  {
    capture,
    heartbeat,
    logger,
  }: Pick<Agent, 'heartbeat'> & Pick<GreengrassLinkOptions, 'capture' | 'logger'>,
): void {
  try {
    const what = 'Cannot read the notice';
    const { refusal } = validate(SpoolResult, decodeMessage(payload, what), what);
    if (refusal !== undefined) heartbeat.heardOfUploads(refusal);
  } catch (thrown) {
    logger.debug('An unreadable notice was ignored', { reason: messageOf(thrown) });
    return;
  }
  capture
    .reconcile()
    .catch((thrown: unknown) => logger.warn('Receipts could not be read', { reason: messageOf(thrown) }));
}
