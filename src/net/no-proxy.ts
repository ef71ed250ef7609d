import { isInRange } from './address-range.js';

/** A place that requests go to: the host in lower case without brackets, and the port. */
export interface Target {
  readonly host: string;
  readonly port: string;
}

/** Addresses of this machine, the same in every spelling. */
export function isLoopback(host: string): boolean {
  return (
    /^(.+\.)?localhost$/.test(host) ||
    /^127(\.\d{1,3}){1,3}$/.test(host) ||
    /^::(1|ffff:127\.[\d.]+|ffff:7f[\da-f]{2}:[\da-f]{1,4})$/.test(host)
  );
}

/**
 * Whether NO_PROXY names this place. Entries stand between commas or blanks and are read as curl does: `*` is
 * everything; `d`, `.d` and `*.d` are the name d and all below it; `10.0.0.0/8` and `fd00::/8` are addresses that a
 * request names itself; `:443` behind an entry keeps it to that port.
 */
export function isExempt({ host, port }: Target, noProxy: string): boolean {
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*' || isInRange(host, entry)) return true;
  const { name, onlyPort } = entryOf(entry);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '');
  const plain = host.replace(/\.$/, '');
  return suffix !== '' && (plain === suffix || (!isAddress(plain) && plain.endsWith(`.${suffix}`)));
}

/** `host:port`, `[::1]:port`, `[::1]`, or `::1`, which has no port. */
function entryOf(entry: string): { readonly name: string; readonly onlyPort?: string } {
  const [, bracketed, portBehind] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  if (bracketed !== undefined)
    return { name: bracketed, ...(portBehind === undefined ? {} : { onlyPort: portBehind }) };
  const [, name, onlyPort] = /^([^:]+):(\d+)$/.exec(entry) ?? [];
  return name === undefined || onlyPort === undefined ? { name: entry } : { name, onlyPort };
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
