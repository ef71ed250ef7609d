import { isJsonObject, type Json } from '../../../core/mod.js';

/**
 * Nucleus lite decodes messages into memory of a fixed size, by objects of 11 bytes and key-value pairs of 21.
 * Strings stay in the packet and cost nothing here.
 */
const OBJECT_BYTES = 11;
const PAIR_BYTES = 21;
/** A subscriber's share: 50 objects, of which the envelope (topic, type, message) takes three pairs. */
const DELIVERY_BYTES = 50 * OBJECT_BYTES - 3 * PAIR_BYTES;
/** A request's share: 255 objects. */
const REQUEST_BYTES = 255 * OBJECT_BYTES;
/** Measured: a message nested 12 deep arrives, one nested 13 deep does not. */
const MAX_DELIVERED_DEPTH = 12;

/** Whether lite can read a request at all; else it answers a ServiceError with an empty message. */
export function fitsLiteRequest(request: Json): boolean {
  return decodedBytes(request) <= REQUEST_BYTES;
}

export type LiteDelivery = 'delivered' | 'dropped' | 'deafens';

/**
 * What becomes of a jsonMessage on lite, without a word to anyone: one of 24 keys or 45 array items ends the
 * subscription inside the nucleus, one of 13 levels is lost alone.
 */
export function liteDelivery(message: Json): LiteDelivery {
  if (decodedBytes(message) > DELIVERY_BYTES) return 'deafens';
  return depth(message) > MAX_DELIVERED_DEPTH ? 'dropped' : 'delivered';
}

function decodedBytes(value: Json): number {
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, item) => sum + decodedBytes(item), value.length * OBJECT_BYTES);
  }
  if (!isJsonObject(value)) return 0;
  const items = Object.values(value);
  return items.reduce<number>((sum, item) => sum + decodedBytes(item), items.length * PAIR_BYTES);
}

function depth(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map((item: Json) => depth(item)));
}
