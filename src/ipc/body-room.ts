import type { FileRegion } from '../contract/mod.js';

/** Room in a file that a caller shares with the agent, for the bodies of one request that no message holds. */
export interface BodyRoom {
  /** Where the reply's body may go. */
  readonly reply: FileRegion;
  /** Lays the request's body down. */
  lay(body: Uint8Array): Promise<FileRegion>;
  read(region: FileRegion): Promise<Uint8Array>;
}

/** Makes such room for as long as `run` takes. */
export type WithBodyRoom = <T>(run: (room: BodyRoom) => Promise<T>) => Promise<T>;
