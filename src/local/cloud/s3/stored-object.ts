import { Type, type Static } from '@sinclair/typebox';

const Texts = Type.Record(Type.String(), Type.String());

/** An object as it is kept beside its bytes. What this version added is optional: former ones read on. */
export const StoredObjectSchema = Type.Object({
  key: Type.String(),
  /** Of the bytes, relative to the bucket's folder. */
  file: Type.String(),
  sizeBytes: Type.Integer({ minimum: 0 }),
  /** Without quotation marks. */
  etag: Type.String(),
  lastModifiedMs: Type.Number(),
  /** As GetObject gives them back. */
  headers: Texts,
  /** Base64 by algorithm; of parts (COMPOSITE) with `-<number of parts>`. */
  checksums: Texts,
  tags: Type.Optional(Texts),
  /** Sizes in bytes, where it was uploaded in parts. */
  parts: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }))),
});
export type StoredObject = Readonly<Static<typeof StoredObjectSchema>>;

/** What is to become an object once its bytes are in place. */
export type NewObject = Omit<StoredObject, 'file'>;
