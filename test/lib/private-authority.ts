import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:tls';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
export const AUTHORITY_NAME = 'Test Plant Root CA';

/** A certificate authority that nobody trusts yet, and a server's certificate of it. */
export interface PrivateAuthority extends AsyncDisposable {
  /** Path of the authority's own certificate in PEM. */
  readonly caFile: string;
  readonly folder: string;
  readonly key: string;
  /** The server's, without the authority's behind it. */
  readonly certificate: string;
}

export interface AuthorityOrder {
  /** Signs the server's certificate in place of the new authority. */
  readonly issuedBy?: PrivateAuthority;
  /** Of the server's certificate; -1: expired a day ago. Default 30. */
  readonly days?: number;
  /** Further lines of the server's certificate, as openssl's configuration has them. */
  readonly extensions?: string;
}

/** @param names of the server, such as `DNS:store.test` */
export async function makeAuthority(
  names: readonly string[],
  { issuedBy, days = 30, extensions = '' }: AuthorityOrder = {},
): Promise<PrivateAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '30',
    '-subj',
    `/CN=${AUTHORITY_NAME}`,
  );
  openssl(
    'req',
    '-new',
    ...newKey,
    '-keyout',
    at('key.pem'),
    '-out',
    at('request.pem'),
    '-subj',
    '/CN=server',
  );
  await writeFile(at('extensions'), `subjectAltName=${names.join(',')}\n${extensions}`);
  const issuer = issuedBy?.folder ?? folder;
  openssl(
    'x509',
    '-req',
    '-in',
    at('request.pem'),
    '-CA',
    join(issuer, 'ca.pem'),
    '-CAkey',
    join(issuer, 'ca.key'),
    '-CAcreateserial',
    '-days',
    String(days),
    '-extfile',
    at('extensions'),
    '-out',
    at('cert.pem'),
  );
  return {
    folder,
    caFile: at('ca.pem'),
    key: await readFile(at('key.pem'), 'utf8'),
    certificate: await readFile(at('cert.pem'), 'utf8'),
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
}

export interface TlsFront extends AsyncDisposable {
  readonly port: number;
  /** Connections that came to the end of TLS's handshake. */
  readonly connections: () => number;
  /** Another certificate from now on; ends what is connected. */
  readonly show: (identity: Pick<PrivateAuthority, 'key' | 'certificate'>) => void;
}

/** TLS in front of a server of this machine that speaks none. */
export async function tlsBefore(
  endpoint: string,
  { key, certificate }: Pick<PrivateAuthority, 'key' | 'certificate'>,
  host = '127.0.0.1',
): Promise<TlsFront> {
  const { port: inner } = new URL(endpoint);
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer({ key, cert: certificate }, (socket) => {
    connections++;
    const onward = connect(Number(inner), '127.0.0.1');
    open.add(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.once('close', () => {
      open.delete(socket);
      onward.destroy();
    });
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    show: (identity) => {
      server.setSecureContext({ key: identity.key, cert: identity.certificate });
      for (const socket of open) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
