import type { Component, Worker } from '../../component/worker/mod.js';
import { EdgeError, MEBIBYTE } from '../../core/mod.js';
import { join, nodeDisk, nodeFiles } from '../../disk/mod.js';
import { nativeFolder } from '../../system/mod.js';
import { createResponder, type Transport } from '../../ipc/mod.js';
import {
  Agent,
  compiledFolder,
  KnownClients,
  linkGreengrass,
  openAdminSocket,
  OwnersLog,
  type AdminSocket,
  type AgentDependencies,
} from '../agent/mod.js';
import { Endpoint } from '../endpoint/mod.js';
import { openConfiguration, type Configuration } from '../config/mod.js';
import { PackageStore } from '../packages/mod.js';
import { rebuildRegistry, Registry } from '../registry/mod.js';
import { Scheduler } from '../schedule/mod.js';
import { ConfiguredHosts } from './configured-hosts.js';
import { intoSpool, openConfiguredSpool } from './configured-spool.js';
import { thisMachine } from './machine.js';
import { trustedKeysOf } from './trusted-keys.js';
import { placeWrappers } from './wrappers.js';

/** The nucleus kills 5 s after SIGTERM; what comes after the drain takes some of it. */
const DRAIN_MS = 2500;
/** A former control process may still be draining. */
const TAKE_OVER_MS = 6000;
const TAKE_OVER_RETRY_MS = 50;

/** Sibling entry points of the agent's processes, absolute. */
export interface AgentEntries {
  readonly modelHost: string;
  readonly hostLauncher: string;
  readonly register: string;
  readonly local: string;
}

/**
 * The agent in its control process. It serves what it served before, at once, by the admin socket; Greengrass joins
 * when it answers.
 * @throws EdgeError ALREADY_EXISTS where another agent has this work folder
 */
export async function startAgent(worker: Worker, entries: AgentEntries): Promise<Component> {
  const { workFolder, clock, logger } = worker;
  // The admin socket is the work folder's lock: nothing is opened before it is ours.
  const entrance = await openEntrance(worker);
  const dependencies = await openDependencies(worker, entries);
  const scheduler = new Scheduler(clock, () => queueLimitsOf(dependencies.configuration.current));
  const agent = await Agent.open(dependencies, scheduler);
  const responder = await createResponder({ transport: NOWHERE, handlers: agent.handlers, clock, logger });
  entrance.serve({
    responder,
    operator: agent.operator,
    gate: agent.adminGate,
    onGone: (client) => {
      responder.forget(client);
      void agent.bye(client);
    },
  });
  await placeWrappers({
    workFolder,
    node: process.execPath,
    registerEntry: entries.register,
    localEntry: entries.local,
    nativeFolder: nativeFolder(worker.environment, workFolder),
  });
  const endpoint = await Endpoint.open({
    ...dependencies,
    defaultPath: join(workFolder, 'endpoint.sock'),
    responder: await createResponder({ transport: NOWHERE, handlers: agent.handlers, clock, logger }),
    onGone: (client) => void agent.bye(client),
  });
  const clients = await KnownClients.open({
    file: join(workFolder, 'clients.json'),
    files: nodeFiles,
    clock,
    logger,
  });
  let flushed = async (): Promise<void> => undefined;
  return {
    link: async (greengrass, onEnd) => {
      const link = await linkGreengrass({ ...dependencies, greengrass, agent, clients }, onEnd);
      flushed = async () => await link.flushed();
      logger.info('Agent connected');
    },
    stop: async () => {
      logger.info('Agent stopping', { pending: agent.pending });
      await agent.stop(DRAIN_MS);
      await endpoint.close();
      await clients.close();
    },
    flushed: async () => {
      await flushed();
      agent.attach(undefined);
    },
    close: async () => await entrance.close(),
  };
}

async function openEntrance({ workFolder, clock, logger }: Worker): Promise<AdminSocket> {
  const endsAtMs = clock.monotonicMs() + TAKE_OVER_MS;
  for (;;) {
    try {
      return await openAdminSocket({ path: join(workFolder, 'admin.sock'), logger });
    } catch (thrown) {
      const taken = thrown instanceof EdgeError && thrown.code === 'ALREADY_EXISTS';
      if (!taken || clock.monotonicMs() >= endsAtMs) throw thrown;
      await clock.sleep(TAKE_OVER_RETRY_MS);
    }
  }
}

async function openDependencies(worker: Worker, entries: AgentEntries): Promise<AgentDependencies> {
  const { workFolder, environment, clock, random, logger } = worker;
  const machine = thisMachine(workFolder, environment, clock);
  const configuration = await openConfiguration({
    file: join(workFolder, 'configuration.json'),
    files: nodeFiles,
    clock,
    logger,
  });
  const quotaBytes = (): number => configuration.current.packageQuotaMb * MEBIBYTE;
  const packages = new PackageStore({ root: join(workFolder, 'packages'), quotaBytes, random, logger });
  const registry = await Registry.open({
    file: join(workFolder, 'registry.json'),
    files: nodeFiles,
    logger,
    rebuild: async () => rebuildRegistry(await packages.list()),
  });
  const capture = await openConfiguredSpool({ configuration, machine, clock, random, logger });
  const owners = { disk: nodeDisk, folder: join(workFolder, 'capture-owners'), logger };
  const captureOwners = await OwnersLog.open(owners);
  const hosts = new ConfiguredHosts({
    configuration,
    spawn: { entry: entries.modelHost, launcher: entries.hostLauncher },
    folders: (exchangeFolder) => ({
      packages: packages.root,
      compiled: compiledFolder(machine),
      exchange: machine.exchangeRoots(exchangeFolder),
      empty: join(workFolder, 'hosts'),
    }),
    cores: machine.cores,
    memoryBytes: machine.memoryBytes,
    clock,
    random,
    logger,
    sampled: intoSpool(capture, logger),
  });
  const trustedKeys = trustedKeysOf(configuration);
  const renewHosts = (): void => hosts.renew();
  const parts = { configuration, registry, packages, hosts, renewHosts, capture, captureOwners };
  return { clock, random, logger, ...parts, machine, trustedKeys };
}

function queueLimitsOf({ queue }: Configuration): { concurrency: number; capacity: number } {
  return { concurrency: queue.concurrency, capacity: queue.limit };
}

/** Requests by the admin socket and the endpoint come on their own connections. */
const NOWHERE: Transport = {
  publish: () => Promise.resolve(),
  subscribe: () => Promise.resolve(() => Promise.resolve()),
  onConnection: () => () => undefined,
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
