import {
  MAX_BODY_BYTES,
  type FileRegion,
  type ReplyEnvelope,
  type RequestEnvelope,
} from '../contract/mod.js';
import { EdgeError, isJsonObject, Shares } from '../core/mod.js';
import { decodeMessage, encodeMessage } from './codec.js';

/** Requests with a body by file that are under way at once, as each may hold {@link MAX_BODY_BYTES}. */
const MAX_UNDER_WAY = 32;

/** Who shares files with the agent: one start of a component. */
export interface FileOwner {
  readonly client: string;
  readonly caller: string;
}

/** Regions of a caller's exchange files. */
export interface FilePort {
  /** @throws EdgeError INVALID_ARGUMENT naming `field` */
  read(owner: FileOwner, region: FileRegion, field: string): Promise<Uint8Array>;
  /** @returns where the bytes lie */
  write(owner: FileOwner, region: FileRegion, bytes: Uint8Array, field: string): Promise<FileRegion>;
}

/**
 * Bodies that no message holds, such as the names and shapes of 256 tensors: they lie as JSON text in files of the
 * exchange folder, and envelopes name the regions. A reply is written once, however often it is sent: the caller may
 * use its file for something else as soon as one has come.
 */
export class BodyFiles {
  readonly #files: FilePort | undefined;
  readonly #underWay = new Shares();
  readonly #written = new WeakMap<ReplyEnvelope, Promise<ReplyEnvelope>>();

  constructor(files: FilePort | undefined) {
    this.#files = files;
  }

  /** Runs with the request's body, wherever it lies. */
  async withBody<T>(
    { body, bodyFile }: RequestEnvelope,
    owner: FileOwner,
    run: (body: Record<string, unknown>) => Promise<T>,
  ): Promise<T> {
    if (bodyFile === undefined) return await run(body);
    if (bodyFile.byteSize > MAX_BODY_BYTES) throw tooLong(bodyFile);
    if (!this.#underWay.hasRoom(owner.caller, MAX_UNDER_WAY)) throw tooMany(this.#underWay.taken);
    this.#underWay.take(owner.caller);
    try {
      return await run(await this.#read(owner, bodyFile));
    } finally {
      this.#underWay.give(owner.caller);
    }
  }

  /** The reply with its body in the region. */
  async write(reply: ReplyEnvelope, owner: FileOwner, region: FileRegion): Promise<ReplyEnvelope> {
    if (!reply.ok) return reply;
    const known = this.#written.get(reply);
    if (known !== undefined) return await known;
    const writing = this.#port('replyFile')
      .write(owner, region, encodeMessage(reply.body), 'replyFile')
      .then((bodyFile) => ({ ...reply, body: {}, bodyFile }));
    this.#written.set(reply, writing);
    return await writing;
  }

  #port(field: string): FilePort {
    if (this.#files !== undefined) return this.#files;
    throw new EdgeError('FIELD_INVALID', `Cannot use '${field}' as this way has no exchange files`, {
      field,
    });
  }

  async #read(owner: FileOwner, region: FileRegion): Promise<Record<string, unknown>> {
    const bytes = await this.#port('bodyFile').read(owner, region, 'bodyFile');
    const body = decodeMessage(bytes, 'Cannot read the request', MAX_BODY_BYTES);
    if (isJsonObject(body)) return body;
    throw new EdgeError('FIELD_INVALID', "Cannot read the request as 'bodyFile' must hold a JSON object", {
      field: 'bodyFile',
    });
  }
}

function tooLong({ byteSize }: FileRegion): EdgeError {
  return new EdgeError(
    'MESSAGE_TOO_LARGE',
    `Cannot read the request as a body by file must have at most ${MAX_BODY_BYTES} bytes: this one has ${byteSize}`,
    { field: 'bodyFile.byteSize' },
  );
}

function tooMany(taken: number): EdgeError {
  return new EdgeError(
    'REQUESTS_UNDER_WAY',
    `Cannot take the request as ${taken} with a body by file are under way`,
    { retryAfterMs: 100 },
  );
}
