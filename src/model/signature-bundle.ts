import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, messageOf, validate } from '../core/mod.js';

/**
 * The shape of an OpenSSF Model Signing v1.0 signature: a Sigstore bundle v0.3 that holds a DSSE envelope,
 * whose payload is an in-toto statement about the model's files. Pure: no cryptography here.
 */
const ACTION = 'Cannot read the signature';
export const SIGNATURE_MAX_BYTES = 8 * 1024 * 1024;
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

const strict = { additionalProperties: false } as const;
const Base64 = Type.String({ minLength: 4, pattern: '^[A-Za-z0-9+/]+={0,2}$' });
const RawBytes = Type.Object({ rawBytes: Base64 });

const BundleSchema = Type.Object(
  {
    mediaType: Type.String({
      pattern: '^application/vnd\\.dev\\.sigstore\\.bundle(\\.v0\\.3\\+json|\\+json;version=0\\.[123])$',
    }),
    verificationMaterial: Type.Object(
      {
        publicKey: Type.Optional(
          Type.Object({ hint: Type.Optional(Type.String()), rawBytes: Type.Optional(Type.String()) }),
        ),
        x509CertificateChain: Type.Optional(
          Type.Object({ certificates: Type.Array(RawBytes, { minItems: 1, maxItems: 10 }) }),
        ),
        certificate: Type.Optional(RawBytes),
        tlogEntries: Type.Optional(Type.Array(Type.Object({}))),
        timestampVerificationData: Type.Optional(Type.Unknown()),
      },
      strict,
    ),
    dsseEnvelope: Type.Object(
      {
        payload: Base64,
        payloadType: Type.Literal(PAYLOAD_TYPE),
        // A Sigstore bundle carries exactly one signature, where DSSE alone would allow more.
        signatures: Type.Array(
          Type.Object(
            { sig: Base64, keyid: Type.Optional(Type.Union([Type.String(), Type.Null()])) },
            strict,
          ),
          { minItems: 1, maxItems: 1 },
        ),
      },
      strict,
    ),
  },
  strict,
);

const StatementSchema = Type.Object(
  {
    _type: Type.Literal(STATEMENT_TYPE),
    subject: Type.Array(
      Type.Object({
        name: Type.String({ minLength: 1 }),
        digest: Type.Record(Type.String(), Type.String({ pattern: '^[0-9a-f]+$' }), { minProperties: 1 }),
      }),
      { minItems: 1, maxItems: 1 },
    ),
    predicateType: Type.Literal(PREDICATE_TYPE),
    predicate: Type.Object(
      {
        resources: Type.Array(
          Type.Object({
            name: Type.String({ minLength: 1 }),
            digest: Type.String({ pattern: '^[0-9a-f]+$' }),
            algorithm: Type.String({ enum: ['sha256', 'blake2b', 'blake3'] }),
          }),
          { minItems: 1 },
        ),
        serialization: Type.Object(
          {
            method: Type.String({ enum: ['files', 'shards'] }),
            hash_type: Type.String({ enum: ['sha256', 'blake2b', 'blake3'] }),
            shard_size: Type.Optional(Type.Integer({ exclusiveMinimum: 0 })),
            allow_symlinks: Type.Boolean(),
            ignore_paths: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
          },
          strict,
        ),
      },
      strict,
    ),
  },
  strict,
);

export type Statement = Static<typeof StatementSchema>;
export interface Resource {
  readonly name: string;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
}

/** How the signer is named: a bare key by a hint (SHA-256 of its PEM), a chain by DER certificates, or keyless. */
export type SignerMaterial =
  | { readonly method: 'key'; readonly hint: string | undefined }
  | { readonly method: 'certificate'; readonly chain: readonly Uint8Array[] }
  | { readonly method: 'sigstore' };

export interface ParsedBundle {
  readonly material: SignerMaterial;
  /** The bytes that were signed, to be checked before anything in `statement` is believed. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly statement: Statement;
}

/**
 * Reads a bundle and the statement inside, without checking the signature.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function parseBundle(bytes: Uint8Array): ParsedBundle {
  if (bytes.length > SIGNATURE_MAX_BYTES) fail(`it must be at most ${SIGNATURE_MAX_BYTES} bytes`);
  const bundle = validate(BundleSchema, parseJson(bytes, 'it'), ACTION);
  const payload = decode(bundle.dsseEnvelope.payload);
  const statement = validate(StatementSchema, parseJson(payload, 'its statement'), ACTION);
  checkStatement(statement);
  const signature = decode(bundle.dsseEnvelope.signatures[0]?.sig ?? '');
  return { material: materialOf(bundle), payload, signature, statement };
}

/** DSSE's pre-authentication encoding: what is truly signed, so that payload and type can't be confused. */
export function preAuthenticationEncoding(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'latin1'), payload]);
}

/** The statement about files, sorted by code point; `rootSha256` is the digest over all digests in that order. */
export function createStatement(
  subjectName: string,
  resources: readonly Resource[],
  rootSha256: string,
): Statement {
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: subjectName, digest: { sha256: rootSha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources: resources.map(({ name, sha256 }) => ({ algorithm: 'sha256', digest: sha256, name })),
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false },
    },
  };
}

/** A bundle's JSON text from its parts. */
export function encodeBundle(
  material: SignerMaterial & { method: 'key' | 'certificate' },
  payload: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  const verificationMaterial =
    material.method === 'key'
      ? { publicKey: { hint: material.hint } }
      : { x509CertificateChain: { certificates: material.chain.map((der) => ({ rawBytes: encode(der) })) } };
  const bundle = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { ...verificationMaterial, tlogEntries: [] },
    dsseEnvelope: {
      payload: encode(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: encode(signature) }],
    },
  };
  return Buffer.from(`${JSON.stringify(bundle, null, 2)}\n`);
}

function materialOf(bundle: Static<typeof BundleSchema>): SignerMaterial {
  const { publicKey, x509CertificateChain, certificate, tlogEntries } = bundle.verificationMaterial;
  const given = [publicKey, x509CertificateChain, certificate].filter((part) => part !== undefined);
  const field = 'verificationMaterial';
  if (given.length !== 1) {
    fail(
      `'${field}' must hold one of publicKey, x509CertificateChain, certificate: it holds ${given.length}`,
    );
  }
  if (publicKey !== undefined) {
    if (publicKey.hint === undefined && publicKey.rawBytes === undefined) {
      fail(`'${field}.publicKey.hint' is missing`);
    }
    return { method: 'key', hint: publicKey.hint };
  }
  if (x509CertificateChain !== undefined) {
    const chain = x509CertificateChain.certificates.map(({ rawBytes }) => decode(rawBytes));
    return { method: 'certificate', chain };
  }
  if ((tlogEntries ?? []).length === 0)
    fail(`'${field}.tlogEntries' must hold an entry for a keyless signature`);
  return { method: 'sigstore' };
}

function checkStatement({ predicate: { resources, serialization } }: Statement): void {
  if ((serialization.method === 'shards') !== (serialization.shard_size !== undefined)) {
    fail("'predicate.serialization.shard_size' must be there for shards, and only then");
  }
  let previous = '';
  for (const { name } of resources) {
    if (previous !== '' && !(compareCodePoints(previous, name) < 0)) {
      fail(`'predicate.resources' must be sorted by name without doubles: ${name} follows ${previous}`);
    }
    previous = name;
  }
}

/** Unicode code point order; JavaScript's own compares UTF-16 units, which differ above U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EdgeError('SIGNATURE_UNREADABLE', `${ACTION} as ${what} is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function decode(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  // Node forgives stray bits and missing padding; a signature file has one form only.
  if (bytes.toString('base64') !== base64) fail('it holds base64 that is not in its one proper form');
  return bytes;
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function fail(reason: string): never {
  throw new EdgeError('SIGNATURE_UNREADABLE', `${ACTION} as ${reason}`);
}
