import { isJsonObject, type Json } from '../../../core/mod.js';

/**
 * JSON as the Java nucleus writes a jsonMessage again: every number has become a double, so 5 is `5.0` and 1e7 is
 * `1.0E7`. Integers above 2^53 have lost digits by then, here as there.
 */
export function javaJson(value: Json): string {
  if (typeof value === 'number') return javaDouble(value);
  if (Array.isArray(value)) return `[${value.map(javaJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${javaJson(item)}`);
  return `{${pairs.join(',')}}`;
}

/** Double.toString: plain between 10^-3 and 10^7, scientific elsewhere, always with a digit after the point. */
function javaDouble(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
    return Number.isInteger(value) ? `${value}.0` : String(value);
  }
  const [digits = '0', exponent = '0'] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}
