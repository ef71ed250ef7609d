import { constants, existsSync, fstatSync, readSync, writeSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_BODY_BYTES, type FileRegion, type Reason } from '../contract/mod.js';
import { EdgeError, messageOf } from '../core/mod.js';
import type { BodyRoom } from '../ipc/mod.js';

/**
 * Up to here bytes are copied at once: in memory (/dev/shm, or the page cache) that takes a fraction of a
 * millisecond, less than the way through the thread pool and back.
 */
const AT_ONCE_BYTES = 4 * 1024 * 1024;
/** Room for a reply's body: sparse, and more than a description of 256 inputs and outputs has. */
const REPLY_BODY_BYTES = 16 * 1024 * 1024;
/** Regions start on a page, so that a reader may map or read them directly. */
const ALIGN_BYTES = 4096;

/**
 * One file in the exchange folder, used by one request at a time: inputs in front, outputs behind, and behind those
 * what no message holds. It is sparse, so a large region costs nothing until something is written there.
 */
export class ExchangeFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly name: string;
  #sizeBytes = 0;
  #heldBytes = 0;
  /** Where the last layout ends. */
  #end = 0;

  private constructor(path: string, name: string, handle: FileHandle) {
    this.#path = path;
    this.name = name;
    this.#handle = handle;
  }

  static async create(folder: string, name: string): Promise<ExchangeFile> {
    const path = join(folder, name);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return new ExchangeFile(path, name, await translated(open(path, flags, 0o600), `create ${path}`));
  }

  /** Writes the parts one behind the other and makes room for outputs behind them. */
  async lay(
    parts: readonly Uint8Array[],
    outputBytes: number,
  ): Promise<{ inputs: FileRegion[]; output: FileRegion }> {
    const inputs: FileRegion[] = [];
    let offset = 0;
    for (const part of parts) {
      inputs.push({ name: this.name, offset, byteSize: part.byteLength });
      offset = aligned(offset + part.byteLength);
    }
    this.#end = aligned(offset + outputBytes);
    await this.#grow(offset + outputBytes);
    this.#heldBytes = Math.max(this.#heldBytes, offset);
    for (const [index, region] of inputs.entries()) {
      const part = parts[index];
      if (part !== undefined) await translated(this.#writeAt(part, region.offset), `write ${this.#path}`);
    }
    return { inputs, output: { name: this.name, offset, byteSize: outputBytes } };
  }

  /** Room behind what was laid, for bodies that no message holds. */
  async bodyRoom(): Promise<BodyRoom> {
    const request = { name: this.name, offset: this.#end, byteSize: MAX_BODY_BYTES };
    const reply = { name: this.name, offset: this.#end + MAX_BODY_BYTES, byteSize: REPLY_BODY_BYTES };
    await this.#grow(reply.offset + reply.byteSize);
    return {
      reply,
      lay: async (body) => {
        if (body.byteLength > request.byteSize) throw tooLong(body.byteLength);
        await translated(this.#writeAt(body, request.offset), `write ${this.#path}`);
        this.#heldBytes += body.byteLength;
        return { ...request, byteSize: body.byteLength };
      },
      read: async (region) => {
        this.#heldBytes += region.byteSize;
        return await this.#read(region);
      },
    };
  }

  /** False where somebody has removed it: what is written now reaches nobody. */
  get isThere(): boolean {
    return fstatSync(this.#handle.fd).nlink > 0;
  }

  /** Bytes that may have taken room in the folder, as far as this side knows. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  async read(region: FileRegion): Promise<Uint8Array> {
    this.#heldBytes = Math.max(this.#heldBytes, region.offset + region.byteSize);
    return await this.#read(region);
  }

  async remove(): Promise<void> {
    await unlink(this.#path).catch(() => undefined);
    await this.#handle.close();
  }

  async #grow(sizeBytes: number): Promise<void> {
    if (sizeBytes <= this.#sizeBytes) return;
    await translated(this.#handle.truncate(sizeBytes), `make room in ${this.#path}`);
    this.#sizeBytes = sizeBytes;
  }

  async #read(region: FileRegion): Promise<Uint8Array> {
    const bytes = new Uint8Array(region.byteSize);
    let done = 0;
    while (done < bytes.byteLength) {
      const bytesRead = await translated(
        this.#readSome(bytes, done, region.offset + done),
        `read ${this.#path}`,
      );
      if (bytesRead === 0) {
        throw new EdgeError(
          'INTERNAL',
          `Cannot read an output as its file ends after ${done} of ${region.byteSize} bytes`,
        );
      }
      done += bytesRead;
    }
    return bytes;
  }

  async #writeAt(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.byteLength) {
      done += await this.#writeSome(bytes, done, position + done);
    }
  }

  async #readSome(bytes: Uint8Array, from: number, position: number): Promise<number> {
    const left = bytes.byteLength - from;
    if (left <= AT_ONCE_BYTES) return readSync(this.#handle.fd, bytes, from, left, position);
    return (await this.#handle.read(bytes, from, left, position)).bytesRead;
  }

  async #writeSome(bytes: Uint8Array, from: number, position: number): Promise<number> {
    const left = bytes.byteLength - from;
    if (left <= AT_ONCE_BYTES) return writeSync(this.#handle.fd, bytes, from, left, position);
    return (await this.#handle.write(bytes, from, left, position)).bytesWritten;
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
}

function tooLong(bytes: number): EdgeError {
  return new EdgeError(
    'MESSAGE_TOO_LARGE',
    `Cannot send the request as it must have at most ${MAX_BODY_BYTES} bytes beside its tensors: this one has ${bytes}`,
  );
}

/** Whether this app sees the folder that the agent names. */
export function isSeen(folder: string): boolean {
  return existsSync(folder);
}

interface Fault {
  readonly reason: Reason;
  readonly nextStep: string;
}

const NO_ROOM: Fault = {
  reason: 'EXCHANGE_FULL',
  nextStep: "Make room there, or set the agent's 'exchangeFolder' to a folder with more",
};
const DENIED: Fault = { reason: 'FILE_DENIED', nextStep: 'Run this app as the user that the agent runs as' };

const FAULTS: Readonly<Record<string, Fault>> = {
  // The folder was made by the agent: without it, the agent has another one now, or this app does not see it.
  ENOENT: { reason: 'EXCHANGE_FOLDER_MOVED', nextStep: 'Try again' },
  ENOSPC: NO_ROOM,
  EDQUOT: NO_ROOM,
  EFBIG: NO_ROOM,
  EROFS: {
    reason: 'EXCHANGE_FOLDER_READ_ONLY',
    nextStep: "Mount the agent's 'exchangeFolder' writable: docs/devices/containers.md",
  },
  EACCES: DENIED,
  EPERM: DENIED,
};

async function translated<T>(work: Promise<T>, action: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const { reason = 'FILE_UNUSABLE' as const, nextStep } = FAULTS[errno] ?? {};
    throw new EdgeError(reason, `Cannot ${action}: ${messageOf(cause)}`, { nextStep, cause });
  }
}
