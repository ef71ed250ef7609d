import type { Socket } from 'node:net';
import type { Clock } from '../../../core/mod.js';
import type { Link } from './connection.js';

/** How long nucleus lite waits for a subscriber whose socket is full, before it drops the message. */
export const FULL_SOCKET_WAIT_MS = 5000;
const NOTHING = new Uint8Array(0);

/**
 * A link over a socket. Frames of one turn of the event loop leave in one write. The socket counts as full while it
 * holds bytes that the kernel did not take.
 */
export function socketLink(socket: Socket, clock: Clock): Link {
  const write = (bytes: Uint8Array): void => {
    if (!socket.writable) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(bytes);
  };
  return {
    write,
    end: () => socket.destroySoon(),
    waitForRoom: () => {
      if (socket.writableCorked > 0) socket.uncork();
      return socket.writableLength === 0 ? undefined : waitForDrain(socket, clock);
    },
  };
}

function waitForDrain(socket: Socket, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (hasRoom: boolean) => (): void => {
      cancel();
      socket.off('close', gone);
      resolve(hasRoom);
    };
    const gone = finish(false);
    const cancel = clock.after(FULL_SOCKET_WAIT_MS, finish(false), { unref: true });
    socket.on('close', gone);
    // Below the high-water mark no 'drain' tells that the kernel took everything; the turn of the next write does.
    socket.write(NOTHING, finish(true));
  });
}
