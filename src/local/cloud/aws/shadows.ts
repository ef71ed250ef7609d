import { isJsonObject, type Json, type JsonObject } from '../../../core/mod.js';
import { AwsError } from './errors.js';
import type { Account } from './account.js';

interface Shadow {
  version: number;
  desired: JsonObject;
  reported: JsonObject;
  timestampMs: number;
}

/** AWS IoT refuses an update above this. */
const MAX_DOCUMENT_BYTES = 8192;
/** The shadow of a thing that has no name. */
export const CLASSIC = '';
const TOPIC = /^\$aws\/things\/([^/]+)\/shadow\/name\/([^/]+)\/update$/;

/** Named shadows: objects merge, lists replace, null deletes. */
export class Shadows {
  readonly #account: Account;
  readonly #byThing = new Map<string, Map<string, Shadow>>();

  constructor(account: Account) {
    this.#account = account;
  }

  /** A device's message: an update of a shadow or nothing of ours. @returns whether it was one */
  receive(topic: string, payload: Uint8Array): boolean {
    const match = TOPIC.exec(topic);
    if (match === null) return false;
    this.update(match[1] ?? '', match[2] ?? '', payload);
    return true;
  }

  update(thing: string, name: string, payload: Uint8Array): JsonObject {
    if (payload.length > MAX_DOCUMENT_BYTES) {
      throw new AwsError('RequestEntityTooLargeException', 413, 'The shadow document is larger than 8 KB');
    }
    const document = parse(payload);
    const state = document['state'];
    if (!isJsonObject(state)) throw badRequest('Missing required node: state');
    const shadows = this.#byThing.get(thing) ?? new Map<string, Shadow>();
    const shadow = shadows.get(name) ?? { version: 0, desired: {}, reported: {}, timestampMs: 0 };
    if (typeof document['version'] === 'number' && document['version'] !== shadow.version) {
      throw new AwsError('ConflictException', 409, 'Version conflict');
    }
    if (isJsonObject(state['reported'])) shadow.reported = merge(shadow.reported, state['reported']);
    if (isJsonObject(state['desired'])) shadow.desired = merge(shadow.desired, state['desired']);
    shadow.version += 1;
    shadow.timestampMs = this.#account.clock.wallMs();
    shadows.set(name, shadow);
    this.#byThing.set(thing, shadows);
    return { state, version: shadow.version, timestamp: Math.floor(shadow.timestampMs / 1000) };
  }

  get(thing: string, name: string): JsonObject {
    const shadow = this.#byThing.get(thing)?.get(name);
    if (shadow === undefined) {
      throw new AwsError('ResourceNotFoundException', 404, `No shadow exists with name: '${thing}~${name}'`);
    }
    return {
      state: { desired: shadow.desired, reported: shadow.reported },
      version: shadow.version,
      timestamp: Math.floor(shadow.timestampMs / 1000),
    };
  }

  delete(thing: string, name: string): JsonObject {
    const { version } = this.get(thing, name);
    this.#byThing.get(thing)?.delete(name);
    return { version: version ?? 0, timestamp: Math.floor(this.#account.clock.wallMs() / 1000) };
  }

  /** For the index; undefined where there is none. */
  reported(thing: string, name: string): JsonObject | undefined {
    return this.#byThing.get(thing)?.get(name)?.reported;
  }

  namesOf(thing: string): readonly string[] {
    return [...(this.#byThing.get(thing)?.keys() ?? [])].filter((name) => name !== CLASSIC);
  }
}

function parse(payload: Uint8Array): JsonObject {
  try {
    const value = JSON.parse(Buffer.from(payload).toString()) as unknown;
    if (isJsonObject(value)) return value;
  } catch {
    // The same answer as for JSON of another form.
  }
  throw badRequest('Payload contains invalid json');
}

function badRequest(message: string): AwsError {
  return new AwsError('InvalidRequestException', 400, message);
}

function merge(into: JsonObject, update: JsonObject): JsonObject {
  const result: JsonObject = { ...into };
  for (const [key, value] of Object.entries(update)) {
    const former: Json | undefined = result[key];
    if (value === null) delete result[key];
    else if (isJsonObject(value)) result[key] = merge(isJsonObject(former) ? former : {}, value);
    else result[key] = value;
  }
  return result;
}
