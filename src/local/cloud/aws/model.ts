import { isJsonObject } from '../../../core/mod.js';
import { invalid } from './errors.js';
import { serviceOf, type ServiceName } from './services.js';

/**
 * AWS's service model as the SDK clients carry it: each operation is
 * `[9, namespace, name, { http: [method, path, status] }, input, output]` (without `http` where the service
 * speaks AWS's query protocol, or names operations in a header: all are posted to `/`), each structure
 * `[3, namespace, name, traits, member names, member types, number of required members]`.
 */
export type Schema = unknown;

export interface Operation {
  readonly service: ServiceName;
  readonly name: string;
  readonly protocol: 'json' | 'query' | 'target';
  /** The header that asks for it, in protocol `target`. */
  readonly target: string | undefined;
  readonly method: string;
  /** Path with `{label}` parts. */
  readonly path: string;
  readonly status: number;
  readonly input: Schema;
  readonly output: Schema;
}

export interface Member {
  readonly name: string;
  readonly type: Schema;
  readonly required: boolean;
  readonly place: 'label' | 'query' | 'payload' | 'body' | 'header';
  readonly queryName: string;
}

const LABEL_BIT = 1;
const PAYLOAD_BIT = 16;
const STRUCTURE = 3;
const LIST = 1;
const MAP = 2;
const LIST_BIT = 64;
const MAP_BIT = 128;
const BLOB = 21;

export function readOperation(schema: Schema): Operation {
  const parts = schema as [number, string, string, 0 | { http: [string, string, number] }, Schema, Schema];
  const [, namespace, name, traits, input, output] = parts;
  const service = (namespace.split('.').at(-1) ?? '') as ServiceName;
  const { protocol, target } = serviceOf(service);
  const [method, path, status] = traits === 0 ? (['POST', '/', 200] as const) : traits.http;
  const asked = target === undefined ? undefined : `${target}.${name}`;
  return { service, name, protocol, target: asked, method, path, status, input, output };
}

/** The members of a structure; none for the unit. */
export function membersOf(type: Schema): readonly Member[] {
  const resolved = resolve(type);
  if (!Array.isArray(resolved) || Math.abs(Number(resolved[0])) !== STRUCTURE) return [];
  const names = resolved[4] as string[];
  const types = resolved[5] as Schema[];
  const required = Number(resolved[6] ?? 0);
  return names.map((name, index) => readMember(name, types[index], index < required));
}

function readMember(name: string, described: Schema, required: boolean): Member {
  // A member with traits is a pair; a structure's own schema is a longer list.
  const pair =
    Array.isArray(described) && described.length === 2 ? (described as [Schema, unknown]) : undefined;
  const type = pair === undefined ? described : pair[0];
  const traits = pair?.[1];
  const bits = typeof traits === 'number' ? traits : 0;
  const named = isJsonObject(traits) ? traits : {};
  const queryName = typeof named['httpQuery'] === 'string' ? named['httpQuery'] : '';
  const isLabel = (bits & LABEL_BIT) !== 0 || named['httpLabel'] === 1;
  const isPayload = (bits & PAYLOAD_BIT) !== 0 || named['httpPayload'] === 1;
  const place = isLabel
    ? 'label'
    : queryName !== ''
      ? 'query'
      : isPayload
        ? 'payload'
        : 'httpHeader' in named
          ? 'header'
          : 'body';
  return { name, type, required, place, queryName };
}

function resolve(type: Schema): Schema {
  return typeof type === 'function' ? resolve((type as () => Schema)()) : type;
}

/** A query parameter's or label's text as its type. */
export function fromText(service: ServiceName, type: Schema, text: string, field: string): unknown {
  const resolved = simpleKind(type);
  if (resolved === 'number') {
    const value = Number(text);
    if (!Number.isFinite(value)) throw invalid(service, `${field} must be a number`, field);
    return value;
  }
  return resolved === 'boolean' ? text === 'true' : text;
}

function simpleKind(type: Schema): 'string' | 'number' | 'boolean' | 'timestamp' | 'blob' | 'document' {
  const resolved = resolve(type);
  if (Array.isArray(resolved)) return simpleKind(resolved[4]);
  switch (resolved) {
    case 1:
    case 17:
    case 19:
      return 'number';
    case 2:
      return 'boolean';
    case 4:
    case 5:
    case 6:
    case 7:
      return 'timestamp';
    case BLOB:
      return 'blob';
    case 15:
      return 'document';
    default:
      return 'string';
  }
}

/** A JSON value as the model's type; refuses unknown members, missing ones and wrong types. */
export function decode(service: ServiceName, type: Schema, value: unknown, field: string): unknown {
  const resolved = resolve(type);
  if (typeof resolved === 'number') {
    if (resolved >= MAP_BIT) return decodeMap(service, resolved & ~MAP_BIT, value, field);
    if (resolved >= LIST_BIT) return decodeList(service, resolved & ~LIST_BIT, value, field);
    return decodeSimple(service, resolved, value, field);
  }
  const parts = resolved as unknown[];
  switch (Number(parts[0])) {
    case STRUCTURE:
      return decodeStructure(service, membersOf(resolved), value, field);
    case LIST:
      return decodeList(service, unpaired(parts[4]), value, field);
    case MAP:
      return decodeMap(service, unpaired(parts[5]), value, field);
    default:
      return decodeSimple(service, parts[4], value, field);
  }
}

function unpaired(type: Schema): Schema {
  return Array.isArray(type) && type.length === 2 ? type[0] : type;
}

export function decodeStructure(
  service: ServiceName,
  members: readonly Member[],
  value: unknown,
  field: string,
): Record<string, unknown> {
  if (!isJsonObject(value)) throw invalid(service, `${field || 'The body'} must be an object`, field);
  const known = new Set(members.map((member) => member.name));
  for (const name of Object.keys(value)) {
    if (!known.has(name))
      throw invalid(service, `${join(field, name)} is not a member of the request`, join(field, name));
  }
  const result: Record<string, unknown> = {};
  for (const member of members) {
    const part = value[member.name];
    if (part === undefined || part === null) {
      if (member.required)
        throw invalid(service, `${join(field, member.name)} is required`, join(field, member.name));
      continue;
    }
    result[member.name] = decode(service, member.type, part, join(field, member.name));
  }
  return result;
}

function decodeList(service: ServiceName, type: Schema, value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(service, `${field} must be a list`, field);
  return value.map((part, index) => decode(service, type, part, `${field}[${index}]`));
}

function decodeMap(
  service: ServiceName,
  type: Schema,
  value: unknown,
  field: string,
): Record<string, unknown> {
  if (!isJsonObject(value)) throw invalid(service, `${field} must be a map`, field);
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, decode(service, type, part, join(field, key))]),
  );
}

function decodeSimple(service: ServiceName, type: Schema, value: unknown, field: string): unknown {
  const kind = simpleKind(type);
  if (kind === 'document') return value;
  if (kind === 'blob') {
    if (typeof value !== 'string') throw invalid(service, `${field} must be base64`, field);
    return Buffer.from(value, 'base64');
  }
  const wanted = kind === 'timestamp' ? 'number' : kind;
  if (typeof value !== wanted) throw invalid(service, `${field} must be a ${wanted}`, field);
  return kind === 'timestamp' ? new Date((value as number) * 1000) : value;
}

/** An answer as JSON: times as seconds since the epoch, bytes as base64, undefined members left out. */
export function encode(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([key, part]) => [key, encode(part)]),
  );
}

function join(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}
