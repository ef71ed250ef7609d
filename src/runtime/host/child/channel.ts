import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net';
import { HOST_CHANNEL } from '../confinement/mod.js';

/** More than nearly all frames have. */
const READ_BYTES = 64 * 1024;

export interface ChannelEvents {
  /** The bytes hold until it returns. */
  readonly heard: (bytes: Uint8Array) => void;
  readonly ended: () => void;
}

export interface Channel {
  readonly write: (bytes: Uint8Array) => void;
  /** Calls back when all that was written is on its way. */
  readonly flush: (then: () => void) => void;
}

/**
 * This process's end of the channel. It reads into one buffer for good: a buffer made for each read costs a fifth of
 * what a hop takes.
 */
export function openChannel({ heard, ended }: ChannelEvents): Channel {
  const buffer = new Uint8Array(READ_BYTES);
  const options: SocketConstructorOpts & ConnectOpts = {
    fd: HOST_CHANNEL,
    readable: true,
    writable: true,
    onread: {
      buffer,
      callback: (count) => {
        heard(buffer.subarray(0, count));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  socket.once('end', ended);
  // Nobody is left who would read.
  socket.on('error', ended);
  socket.read(0);
  return {
    write: (bytes) => void socket.write(bytes),
    flush: (then) => void socket.end(then),
  };
}
