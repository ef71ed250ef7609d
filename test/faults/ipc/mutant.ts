import net from 'node:net';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before a component's program (`NODE_OPTIONS=--import`), so that what is shipped behaves as it must not.
 *
 * EDGE_MANAGER_MUTANT=old-identity: never asks for a new SVCUID, and so reconnects with the old one for ever.
 * EDGE_MANAGER_MUTANT=exits: ends when it loses the nucleus, as an app may that leaves all to Greengrass.
 */
const nucleus = process.env['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'];
const mutant = process.env['EDGE_MANAGER_MUTANT'];
const connect = net.connect as (path: string) => net.Socket;

function mutated(path: string): net.Socket {
  const socket = connect(path);
  if (path !== nucleus) return socket;
  if (mutant === 'old-identity') {
    const write = socket.write.bind(socket) as (chunk: Uint8Array) => boolean;
    socket.write = (chunk: Uint8Array | string): boolean => {
      if (!Buffer.from(chunk).includes('"componentName"')) return write(Buffer.from(chunk));
      socket.destroy();
      return false;
    };
  }
  if (mutant === 'exits') {
    let isIn = false;
    socket.once('data', () => (isIn = true));
    socket.once('close', () => {
      if (isIn) process.exit(1);
    });
  }
  return socket;
}

net.connect = mutated as typeof net.connect;
syncBuiltinESMExports();
