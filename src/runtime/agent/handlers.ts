import { MAX_MESSAGE_BYTES, PROTOCOL_VERSION, type OperationName } from '../../contract/mod.js';
import type { Handler } from '../../ipc/mod.js';
import { VERSION } from '../../system/mod.js';
import type { Registration } from './registration.js';
import type { Captures } from './captures.js';
import type { Catalog } from './catalog.js';
import type { AgentDependencies } from './context.js';
import type { Exchange } from './exchange.js';
import type { Loads } from './loads.js';
import type { Predictions } from './predictions.js';

export interface HandlerParts {
  readonly registration: Registration;
  readonly captures: Captures;
  readonly catalog: Catalog;
  readonly exchange: Exchange;
  readonly loads: Loads;
  readonly predictions: Predictions;
}

/** Every operation has a handler: the same for IPC and for the admin socket. */
export type AgentHandlers = { readonly [Name in OperationName]: Handler<Name> };

export function createHandlers(
  { configuration, machine, random }: Pick<AgentDependencies, 'configuration' | 'machine' | 'random'>,
  { registration, captures, catalog, exchange, loads, predictions }: HandlerParts,
): AgentHandlers {
  const startId = random.hex(16);
  return {
    hello: async ({ uid }, { client, caller }) => {
      const { fleet } = configuration.current;
      return {
        agentVersion: VERSION,
        protocol: PROTOCOL_VERSION,
        thingName: machine.thingName,
        ...(fleet === undefined ? {} : { fleet }),
        exchangeFolder: await exchange.hello(client, caller, uid),
        maxMessageBytes: MAX_MESSAGE_BYTES,
        startId,
      };
    },
    list: async (body) => catalog.list(body),
    describe: async (body) => catalog.describe(body),
    stats: async (body) => catalog.stats(body),
    load: async (body) => await loads.load(body),
    unload: async (body) => {
      await loads.unload(body);
      return {};
    },
    predict: async (body, context) => await predictions.predict(body, context),
    capture: async (body, context) => await captures.submit(body, context),
    captureStatus: async (body) => captures.status(body),
    register: async (body, { caller }) => await registration.register(body, caller),
  };
}
