import { extension, NAME_CONSTRAINTS, type CertificateParts } from './certificate-parts.js';
import { elementsOf, NotDer, SEQUENCE, sequenceOf, type Element } from './der.js';
import { DIRECTORY, directoryName, DNS, EMAIL, namesOf, relativeNames, type GeneralName } from './names.js';

const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
/** No honest chain comes near; a hostile one must not keep the device busy. */
const MOST_COMPARISONS = 65_536;

interface Constraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/**
 * Why an authority may not have given a certificate its names; undefined: it may. Judged are directory names, hosts
 * and mail addresses; a name of another kind that the authority constrains is refused, whatever it is.
 * @throws NotDer
 */
export function nameFlaw(authority: CertificateParts, certificate: CertificateParts): string | undefined {
  const held = extension(authority, NAME_CONSTRAINTS);
  if (held === undefined) return undefined;
  const { permitted, excluded } = constraintsOf(held.value);
  const names = namesOf(certificate);
  if (names.length * (permitted.length + excluded.length) > MOST_COMPARISONS) return 'bears too many names';
  for (const name of names) {
    const rules = [...permitted, ...excluded].filter(({ tag }) => tag === name.tag);
    if (rules.length === 0) continue;
    if (!JUDGED.has(name.tag)) return 'bears a constrained name of a kind that is not judged';
    const within = permitted.filter(({ tag }) => tag === name.tag);
    if (within.length > 0 && !within.some((base) => covers(base, name)))
      return 'bears a name that an authority above it may not name';
    if (excluded.some((base) => base.tag === name.tag && (covers(base, name) || !isPlain(name))))
      return 'bears a name that an authority above it may not name';
  }
  return undefined;
}

const JUDGED: ReadonlySet<number> = new Set([DIRECTORY, DNS, EMAIL]);

function constraintsOf(value: Uint8Array): Constraints {
  const lists = sequenceOf(value);
  if (lists.some(({ tag }) => tag !== PERMITTED && tag !== EXCLUDED))
    throw new NotDer('its name constraints are not of their structure');
  const basesOf = (wanted: number): GeneralName[] =>
    lists.filter(({ tag }) => tag === wanted).flatMap(({ content }) => elementsOf(content).map(baseOf));
  return { permitted: basesOf(PERMITTED), excluded: basesOf(EXCLUDED) };
}

/** Distances from the base are not in use: RFC 5280 wants them absent. */
function baseOf({ tag, content }: Element): GeneralName {
  const [base, ...distances] = elementsOf(content);
  if (tag !== SEQUENCE || base === undefined || distances.length > 0)
    throw new NotDer('its name constraints are not of their structure');
  return { tag: base.tag, value: base.content };
}

/** An address without an @ could be read in several ways: what excludes addresses excludes it. */
function isPlain({ tag, value }: GeneralName): boolean {
  return tag !== EMAIL || value.filter((byte) => byte === 0x40).length === 1;
}

function covers(base: GeneralName, name: GeneralName): boolean {
  switch (name.tag) {
    case DIRECTORY:
      return isBelow(directoryName(base), name);
    case DNS:
      return isHostBelow(lower(textOf(base)), lower(textOf(name)));
    default:
      return isAddressBelow(textOf(base), textOf(name));
  }
}

/** Whether the name begins with all relative names of the base. */
function isBelow(base: Uint8Array, name: GeneralName): boolean {
  const wanted = relativeNames(base).map(lineOf);
  const found = relativeNames(directoryName(name)).map(lineOf);
  return wanted.length <= found.length && wanted.every((line, index) => line === found[index]);
}

function lineOf(attributes: readonly { readonly id: string; readonly text: string }[]): string {
  const lines = attributes.map(({ id, text }) => JSON.stringify([id, text]));
  return lines.toSorted((a, b) => (a < b ? -1 : 1)).join();
}

function isHostBelow(base: string, host: string): boolean {
  if (base === '' || host === base) return true;
  return host.endsWith(base.startsWith('.') ? base : `.${base}`);
}

/** A base is an address, a host, or the hosts below one that begins with a dot. Case counts before the @ only. */
function isAddressBelow(base: string, address: string): boolean {
  const [local = '', host, ...more] = address.split('@');
  if (host === undefined || more.length > 0) return false;
  const [wantedLocal = '', wantedHost] = base.split('@');
  if (wantedHost !== undefined) return local === wantedLocal && lower(host) === lower(wantedHost);
  return base.startsWith('.') ? lower(host).endsWith(lower(base)) : lower(host) === lower(base);
}

function textOf({ value }: GeneralName): string {
  return Buffer.from(value).toString('latin1');
}

function lower(text: string): string {
  return text.toLowerCase();
}
