import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { createKeySigner, parseTrust, signResources, verifySignature } from '../../../src/model/mod.js';
import { keyPair, temporaryFolder } from '../../lib/model-package.js';

const RESOURCES = [
  { name: 'b.txt', sha256: 'b'.repeat(64) },
  { name: 'a.txt', sha256: 'a'.repeat(64) },
];
const DAY_MS = 86_400_000;

function refused(run: () => unknown, pattern: RegExp): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof EdgeError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

describe('signResources and verifySignature', () => {
  for (const curve of ['P-256', 'P-384', 'P-521'] as const) {
    it(`sign and verify with a key on ${curve}`, async () => {
      const { privatePem, publicPem } = keyPair(curve);
      const bundle = await signResources('Doubler', RESOURCES, createKeySigner(privatePem));
      const verified = verifySignature(bundle, parseTrust([publicPem]), undefined);
      assert.deepEqual(
        verified.resources.map(({ name }) => name),
        ['a.txt', 'b.txt'],
      );
      refused(
        () => verifySignature(bundle, parseTrust([keyPair(curve).publicPem]), undefined),
        /not trusted/,
      );
    });
  }

  it('refuse a statement that was changed after it was signed', async () => {
    const { privatePem, publicPem } = keyPair();
    const bundle = await signResources('Doubler', RESOURCES, createKeySigner(privatePem));
    const parsed = JSON.parse(Buffer.from(bundle).toString()) as { dsseEnvelope: { payload: string } };
    const statement = Buffer.from(parsed.dsseEnvelope.payload, 'base64').toString();
    parsed.dsseEnvelope.payload = Buffer.from(statement.replace('a.txt', 'A.txt')).toString('base64');
    const changed = Buffer.from(JSON.stringify(parsed));
    refused(
      () => verifySignature(changed, parseTrust([publicPem]), undefined),
      /does not match its statement/,
    );
  });

  it('refuse keys of other kinds, and private keys among the trusted ones', () => {
    const { privatePem } = keyPair();
    refused(() => parseTrust([privatePem]), /it holds a block PRIVATE KEY/);
    refused(() => parseTrust(['nothing']), /no PEM block/);
    refused(() => createKeySigner('nothing'), /Cannot use the signing key as it can't be read/);
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;

describe(`A certificate chain${openssl ? '' : ' (skipped: no openssl command to make one)'}`, () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  const text = (name: string): string => readFileSync(file(name), 'utf8');

  before(async function () {
    if (!openssl) this.skip();
    folder = await temporaryFolder();
    authority('root');
    authority('middle', 'root', 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign');
    leaf('signer', 'middle', 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning');
    leaf('server', 'middle', 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth');
    leaf('plain', 'middle', 'basicConstraints=CA:FALSE');
    leaf('crooked', 'plain', 'keyUsage=digitalSignature');
    authority('deep', 'middle', 'basicConstraints=CA:TRUE\nkeyUsage=keyCertSign');
    leaf('deepest', 'deep', 'keyUsage=digitalSignature');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function key(name: string): void {
    const { privatePem } = keyPair('P-384');
    writeFileSync(file(`${name}.key`), privatePem);
  }

  function leaf(name: string, issuer: string, extensions: string): void {
    key(name);
    writeFileSync(file(`${name}.ext`), extensions);
    const request = ['req', '-new', '-key', file(`${name}.key`), '-subj', `/CN=${name}`];
    const csr = execFileSync('openssl', request, { stdio: ['ignore', 'pipe', 'ignore'] });
    const sign = ['x509', '-req', '-days', '30', '-CA', file(`${issuer}.pem`)];
    sign.push('-CAkey', file(`${issuer}.key`), '-CAcreateserial', '-extfile', file(`${name}.ext`));
    const pem = execFileSync('openssl', sign, { input: csr, stdio: ['pipe', 'pipe', 'ignore'] });
    writeFileSync(file(`${name}.pem`), pem);
  }

  function authority(name: string, issuer?: string, extensions = ''): void {
    if (issuer !== undefined) return leaf(name, issuer, extensions);
    key(name);
    const made = ['req', '-x509', '-new', '-key', file(`${name}.key`), '-subj', `/CN=${name}`, '-days', '30'];
    made.push('-addext', 'keyUsage=keyCertSign', '-out', file(`${name}.pem`));
    execFileSync('openssl', made, { stdio: 'ignore' });
  }

  function bundle(name: string, ...chain: string[]): Promise<Uint8Array> {
    const chainPem = [name, ...chain].map((part) => text(`${part}.pem`)).join('');
    return signResources('Doubler', RESOURCES, createKeySigner(text(`${name}.key`), { chainPem }));
  }

  const soonMs = (): number => systemClock.wallMs() + DAY_MS;

  it('leads to a trusted root, intermediate or the signer itself', async () => {
    const signed = await bundle('signer', 'middle');
    for (const anchor of ['root', 'middle', 'signer']) {
      const verified = verifySignature(signed, parseTrust([text(`${anchor}.pem`)]), soonMs());
      assert.equal(verified.signer, 'CN=signer');
    }
  });

  it('is refused where no link is trusted or one is missing', async () => {
    const trust = parseTrust([text('root.pem')]);
    refused(() => verifySignature(Buffer.from(''), trust, soonMs()), /not JSON/);
    const short = await bundle('signer');
    refused(() => verifySignature(short, trust, soonMs()), /CN=signer leads to no trusted certificate/);
    const whole = await bundle('signer', 'middle', 'root');
    refused(
      () => verifySignature(whole, parseTrust([text('server.pem')]), soonMs()),
      /leads to no trusted certificate/,
    );
  });

  it('is refused before and after its time, unless the clock is not to be trusted', async () => {
    const signed = await bundle('signer', 'middle');
    const trust = parseTrust([text('root.pem')]);
    refused(() => verifySignature(signed, trust, soonMs() + 90 * DAY_MS), /CN=signer has expired/);
    refused(() => verifySignature(signed, trust, 0), /CN=signer is not valid yet/);
    assert.equal(verifySignature(signed, trust, undefined).method, 'certificate');
  });

  it('is refused where the signer is not meant for signing', async () => {
    const trust = parseTrust([text('root.pem')]);
    for (const name of ['server', 'plain']) {
      const signed = await bundle(name, 'middle');
      refused(() => verifySignature(signed, trust, soonMs()), /is not meant for signing/);
    }
  });

  it('is refused where a link is no authority, or stands too deep', async () => {
    const trust = parseTrust([text('root.pem')]);
    const crooked = await bundle('crooked', 'plain', 'middle');
    refused(() => verifySignature(crooked, trust, soonMs()), /CN=plain is not a certificate authority/);
    const deepest = await bundle('deepest', 'deep', 'middle');
    refused(() => verifySignature(deepest, trust, soonMs()), /CN=middle may not issue authorities/);
  });

  it('must belong to the signing key', () => {
    refused(
      () => createKeySigner(text('signer.key'), { chainPem: text('middle.pem') }),
      /belongs to another key/,
    );
  });
});
