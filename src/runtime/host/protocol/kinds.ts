/** What a frame between control process and host is, as docs/protocol/host.md numbers it. */
export const KIND = {
  hello: 0x01,
  load: 0x02,
  run: 0x03,
  cancel: 0x04,
  unload: 0x05,
  capture: 0x06,
  memory: 0x07,
  drain: 0x08,
  stop: 0x09,
  hostHello: 0x81,
  done: 0x82,
  result: 0x83,
  failed: 0x84,
  captured: 0x85,
} as const;

/** Major and minor version of the protocol that this code speaks. */
export const PROTOCOL = '1.0';
export const PROTOCOL_MAJOR = 1;

/** The largest body of a frame that either of our sides takes. */
export const MOST_FRAME_BYTES = 64 * 1024 * 1024;
