import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { EdgeError, messageOf } from '../core/mod.js';
import type { Environment } from './proxy.js';

/** The system's store: Debian, Fedora, Alpine and OpenWrt, Red Hat, SUSE. */
const SYSTEM_STORES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
];
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Certificate authorities that are trusted beside Node's own. */
export interface Authorities {
  /** Undefined: Node's own suffice. */
  readonly context?: SecureContext;
  /** Files that the environment names and that cannot be used, a sentence each. */
  readonly problems: readonly EdgeError[];
}

/**
 * Reads whom to trust: `caFile`, AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS and the system's store, beside Node's own.
 * @param caFile from the configuration: one that cannot be used is told of as a problem too
 */
export function readAuthorities(environment: Environment, caFile?: string): Authorities {
  const problems: EdgeError[] = [];
  const named = ([['caFile', caFile]] as (readonly [string, string | undefined])[]).concat(
    ['AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'].map((name) => [name, environment[name]] as const),
  );
  const pems = named.flatMap(([name, path]) => {
    try {
      return path === undefined || path === '' ? [] : readCertificates(name, path);
    } catch (thrown) {
      problems.push(thrown as EdgeError);
      return [];
    }
  });
  const own = new Set(rootCertificates.map(normal));
  const extra = [...new Set([...pems, ...systemStore()].map(normal))].filter((pem) => !own.has(pem));
  if (extra.length === 0) return { problems };
  return { problems, context: createSecureContext({ ca: [...rootCertificates, ...extra] }) };
}

/**
 * The certificates of a file in PEM.
 * @param name of the key or variable that names it
 * @throws EdgeError CONFIGURATION_INVALID in one sentence
 */
export function readCertificates(name: string, path: string): string[] {
  const refused = (why: string, cause?: unknown): EdgeError =>
    new EdgeError('CONFIGURATION_INVALID', `Cannot trust the certificates of '${name}' (${path}) as ${why}`, {
      field: name,
      nextStep: 'Give the path of a file in PEM that this user may read',
      cause,
    });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    throw refused(reasonOf(thrown), thrown);
  }
  const pems = text.match(CERTIFICATE) ?? [];
  if (pems.length === 0) throw refused('the file holds no certificate in PEM');
  try {
    for (const pem of pems) new X509Certificate(pem);
  } catch (thrown) {
    throw refused('a certificate in the file is damaged', thrown);
  }
  return [...pems];
}

function reasonOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  return `it cannot be read (${typeof code === 'string' ? code : messageOf(thrown)})`;
}

/** The first that is there; nobody named it, so one that cannot be read is as none. */
function systemStore(): string[] {
  for (const path of SYSTEM_STORES) {
    try {
      return readFileSync(path, 'utf8').match(CERTIFICATE) ?? [];
    } catch {
      continue;
    }
  }
  return [];
}

function normal(pem: string): string {
  return pem
    .replaceAll(/\s+/g, '\n')
    .replaceAll('BEGIN\nCERTIFICATE', 'BEGIN CERTIFICATE')
    .replaceAll('END\nCERTIFICATE', 'END CERTIFICATE');
}
