import { randomUUID } from 'node:crypto';
import type { BareAnswer, BareQuestion } from './bare.js';
import { FloorProcess } from './child.js';
import type { EchoQuestion } from './echo.js';
import type { Nucleus } from '../../src/local/nucleus/api/mod.js';
import type { SessionOptions } from '../../src/engine/mod.js';

export interface EchoFloor {
  /** Round trips of `bytes` each, in milliseconds. */
  measure(question: EchoQuestion): Promise<readonly number[]>;
  close(): Promise<void>;
}

/**
 * Two processes on this nucleus's broker.
 * @param whose the official client, or the one that agent and apps use
 */
export async function startEcho(
  nucleus: Nucleus,
  whose: 'official' | 'own' = 'official',
): Promise<EchoFloor> {
  const pair = `floor/echo/${randomUUID()}`;
  const topics = [`${pair}/ask`, `${pair}/answer`];
  const environmentOf = (role: string): Readonly<Record<string, string>> =>
    nucleus.registerExternal(`org.edgemanager.floor.${role}${whose === 'own' ? 'Own' : ''}`, {
      accessControl: {
        'aws.greengrass.ipc.pubsub': {
          floor: {
            operations: ['aws.greengrass#PublishToTopic', 'aws.greengrass#SubscribeToTopic'],
            resources: topics,
          },
        },
      },
    }).environment;
  const responder = await FloorProcess.start(
    './echo.js',
    ['responder', whose, ...topics],
    environmentOf('Responder'),
  );
  const caller = await FloorProcess.start<EchoQuestion, readonly number[]>(
    './echo.js',
    ['caller', whose, ...topics],
    environmentOf('Caller'),
  );
  return {
    measure: (question) => caller.ask(question),
    close: async () => {
      await caller.close();
      await responder.close();
    },
  };
}

/** A plain Node process with one session. */
export async function startBare(
  model: string,
  options: SessionOptions = {},
): Promise<FloorProcess<BareQuestion, BareAnswer>> {
  return await FloorProcess.start<BareQuestion, BareAnswer>('./bare.js', [model, JSON.stringify(options)]);
}
