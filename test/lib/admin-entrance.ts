import { join } from 'node:path';
import { silentLogger } from '../../src/core/mod.js';
import { createResponder, MemoryBroker } from '../../src/ipc/mod.js';
import { openAdminSocket } from '../../src/runtime/agent/mod.js';
import { systemClock } from '../../src/system/mod.js';
import type { AgentTwins } from './agent-twins.js';

/** The twins' admin socket, which their agent answers as the real process does. */
export async function openEntrance({ agent, dependencies }: AgentTwins) {
  const path = join(dependencies.machine.workFolder, 'admin.sock');
  const responder = await createResponder({
    transport: new MemoryBroker().connect(),
    handlers: agent.handlers,
    clock: systemClock,
    logger: silentLogger,
  });
  const socket = await openAdminSocket({ path, logger: silentLogger });
  socket.serve({
    responder,
    operator: agent.operator,
    gate: agent.adminGate,
    onGone: (client) => responder.forget(client),
  });
  return { path, [Symbol.asyncDispose]: async () => await socket.close() };
}
