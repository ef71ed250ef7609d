import { MESSAGES, type FieldRule, type MessageName } from './messages.js';
import { eachVarint, fieldsOf, type Field, type WireType } from './wire.js';

/** ONNX Runtime's own reader stops at 100 nested messages. */
const MAX_DEPTH = 100;
/** What readers hold without cutting it. */
const RANGES = {
  enum: [0, 2 ** 31 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  integer: [-(2 ** 63), 2 ** 63],
} as const;

/**
 * Holds a whole ONNX file to the one form that every reader takes alike: no field of a message twice where the
 * specification has it once (readers merge, or take the first or the last), no two of a choice, every known field
 * of its own wire type (a reader with another one in mind skips it), numbers within their type, names that are
 * UTF-8 without NUL (readers cut or replace). Fields that ONNX does not know are passed over, as by ONNX Runtime.
 * @throws Error saying what is wrong and in which message
 */
export function checkStrictForm(model: Uint8Array): void {
  checkMessage(model, 'Model', 0);
}

function checkMessage(bytes: Uint8Array, message: MessageName, depth: number): void {
  if (depth > MAX_DEPTH) throw new Error(`its messages are nested deeper than ${MAX_DEPTH}`);
  const rules = MESSAGES[message];
  const seen = new Set<string | number>();
  for (const field of fieldsOf(bytes)) {
    const rule = rules[field.number];
    if (rule === undefined) continue;
    if (!rule.repeated) checkOnce(seen, field.number, rule, message);
    checkField(field, rule, `${rule.name} of ${message}`, depth);
  }
}

function checkOnce(seen: Set<string | number>, number: number, rule: FieldRule, message: MessageName): void {
  const key = rule.oneOf ?? number;
  if (seen.has(key)) throw new Error(`${rule.name} of ${message} is there beside another one`);
  seen.add(key);
}

function checkField(field: Field, rule: FieldRule, where: string, depth: number): void {
  const { wireType, bytes } = field;
  switch (rule.kind) {
    case 'integer':
    case 'int32':
    case 'enum':
      checkNumbers(field, rule, where);
      return;
    case 'float':
      wants(wireType, rule.repeated ? [5, 2] : [5], where);
      checkPacked(bytes, 4, where);
      return;
    case 'double':
      wants(wireType, rule.repeated ? [1, 2] : [1], where);
      checkPacked(bytes, 8, where);
      return;
    case 'bytes':
    case 'text':
      wants(wireType, [2], where);
      return;
    case 'name':
      wants(wireType, [2], where);
      checkName(bytes ?? new Uint8Array(), where);
      return;
    default:
      wants(wireType, [2], where);
      checkMessage(bytes ?? new Uint8Array(), rule.kind, depth + 1);
  }
}

function wants(wireType: WireType, allowed: readonly WireType[], where: string): void {
  if (allowed.includes(wireType)) return;
  throw new Error(`${where} has the wire type ${wireType}: it must be ${allowed.join(' or ')}`);
}

function checkNumbers({ wireType, bytes, value }: Field, { kind, repeated }: FieldRule, where: string): void {
  wants(wireType, repeated ? [0, 2] : [0], where);
  const [least, most] = RANGES[kind === 'enum' || kind === 'int32' ? kind : 'integer'];
  const check = (one: number): void => {
    if (one < least || one > most) {
      throw new Error(`${where} is ${one}: it must be within ${least} and ${most}`);
    }
  };
  if (bytes === undefined) check(value);
  else eachVarint(bytes, check);
}

function checkPacked(bytes: Uint8Array | undefined, size: number, where: string): void {
  if (bytes !== undefined && bytes.length % size !== 0) throw new Error(`${where} ends within a number`);
}

const strict = new TextDecoder('utf-8', { fatal: true });

function checkName(bytes: Uint8Array, where: string): void {
  let plain = true;
  for (const byte of bytes) {
    if (byte === 0) throw new Error(`${where} holds a NUL`);
    if (byte > 0x7f) plain = false;
  }
  if (plain) return;
  try {
    strict.decode(bytes);
  } catch {
    throw new Error(`${where} is not UTF-8`);
  }
}
