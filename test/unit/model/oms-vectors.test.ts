import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import { EdgeError } from '../../../src/core/mod.js';
import { createKeySigner, parseTrust, signResources, verifySignature } from '../../../src/model/mod.js';
import { parseBundle } from '../../../src/model/signature-bundle.js';
import { keyPair } from '../../lib/model-package.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..');
const vectors = process.env['OMS_VECTORS'] ?? join(project, '../shared/data/oms/test-vectors');
const present = existsSync(vectors);

const schemas = join(vectors, '../schemas');

const read = (path: string): Uint8Array => readFileSync(join(vectors, path));
const list = (folder: string): string[] => (present ? readdirSync(join(vectors, folder)) : []);
const noTrust = parseTrust([]);

describe(`Published Model Signing vectors${present ? '' : ' (skipped: ../shared/data/oms is absent)'}`, () => {
  before(function () {
    if (!present) this.skip();
  });

  it('are there', () => {
    assert.equal(list('valid').length + list('invalid').length + list('invalid-payload').length, 8);
  });

  for (const name of list('valid')) {
    it(`${name} is read`, () => {
      const { statement } = parseBundle(read(`valid/${name}`));
      assert.deepEqual(
        statement.predicate.resources.map((resource) => resource.name),
        ['signme-1', 'signme-2'],
      );
    });
  }

  it('certificate.bundle.json holds for those who trust its authority, while it is valid', () => {
    const bytes = read('valid/certificate.bundle.json');
    const { material } = parseBundle(bytes);
    assert.ok(material.method === 'certificate');
    const authority = new X509Certificate(material.chain[1] ?? assert.fail());
    const trust = parseTrust([authority.toString()]);
    const verified = verifySignature(bytes, trust, Date.UTC(2026, 0, 1));
    assert.equal(verified.resources.length, 2);
    assert.throws(() => verifySignature(bytes, trust, Date.UTC(2040, 0, 1)), /has expired/);
    assert.throws(
      () => verifySignature(bytes, noTrust, Date.UTC(2026, 0, 1)),
      /leads to no trusted certificate/,
    );
  });

  it('key.bundle.json is not trusted without its key, which it does not hold', () => {
    assert.throws(() => verifySignature(read('valid/key.bundle.json'), noTrust, undefined), /is not trusted/);
  });

  it('sigstore.bundle.json is refused as keyless', () => {
    assert.throws(() => verifySignature(read('valid/sigstore.bundle.json'), noTrust, undefined), /keyless/);
  });

  it('have schemas that our own signatures conform to', async () => {
    const ajv = new Ajv2020({ strict: false });
    for (const name of readdirSync(schemas)) {
      ajv.addSchema(JSON.parse(readFileSync(join(schemas, name), 'utf8')) as AnySchemaObject);
    }
    const resources = [{ name: 'a', sha256: 'a'.repeat(64) }];
    const signed = await signResources('Doubler', resources, createKeySigner(keyPair().privatePem));
    const bundle = JSON.parse(Buffer.from(signed).toString()) as { dsseEnvelope: { payload: string } };
    const statement: unknown = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString());
    for (const [part, value] of [
      ['bundle', bundle],
      ['statement', statement],
    ] as const) {
      const valid = ajv.validate(`https://model_signing/${part}/v1.0/schema`, value);
      assert.ok(valid, `${part}: ${ajv.errorsText()}`);
    }
  });

  for (const folder of ['invalid', 'invalid-payload']) {
    for (const name of list(folder)) {
      it(`${folder}/${name} is refused`, () => {
        assert.throws(
          () => parseBundle(read(`${folder}/${name}`)),
          (error: unknown) => error instanceof EdgeError && error.code === 'INVALID_ARGUMENT',
        );
      });
    }
  }
});
