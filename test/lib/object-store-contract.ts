import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ObjectStore, PutRequest } from '../../src/upload/mod.js';

/** A store under test, with a look behind it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
  /** The bytes that lie under a key. */
  read(key: string): Promise<Uint8Array | undefined>;
  count(): Promise<number>;
  /** Puts other bytes under a key behind the store's back. */
  damage(key: string): Promise<void>;
}

export function putRequest(key: string, text: string): PutRequest {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  return { key, bytes, sha256, contentType: 'application/jsonlines' };
}

/** What every object store promises, whatever lies behind it. */
export function objectStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`ObjectStore contract: ${name}`, () => {
    let under: StoreUnderTest;
    const live = new AbortController().signal;
    const key = 'sme-capture/fleet/model/2026/01/02/03/0123456789abcdef0123456789abcdef.jsonl';
    beforeEach(async () => {
      under = await make();
    });
    afterEach(async () => under[Symbol.asyncDispose]());

    it('stores the bytes and says so', async () => {
      assert.deepEqual(await under.store.put(putRequest(key, 'a\n'), live), { outcome: 'stored' });
      assert.equal(Buffer.from((await under.read(key)) ?? []).toString(), 'a\n');
    });

    it('says that the same bytes exist, and makes no second object', async () => {
      await under.store.put(putRequest(key, 'a\n'), live);
      assert.deepEqual(await under.store.put(putRequest(key, 'a\n'), live), { outcome: 'exists' });
      assert.equal(await under.count(), 1);
    });

    it('replaces bytes that lie damaged under the key', async () => {
      await under.store.put(putRequest(key, 'a\n'), live);
      await under.damage(key);
      assert.deepEqual(await under.store.put(putRequest(key, 'a\n'), live), { outcome: 'stored' });
      assert.equal(Buffer.from((await under.read(key)) ?? []).toString(), 'a\n');
    });

    it('refuses bytes that do not have the announced SHA-256, and stores nothing', async () => {
      const wrong = { ...putRequest(key, 'a\n'), bytes: Buffer.from('b\n') };
      const outcome = await under.store.put(wrong, live);
      assert.equal(outcome.outcome === 'failed' && outcome.failure.class, 'damaged');
      assert.equal(await under.count(), 0);
    });

    it('stores an empty object', async () => {
      assert.deepEqual(await under.store.put(putRequest(key, ''), live), { outcome: 'stored' });
      assert.equal((await under.read(key))?.length, 0);
    });

    it('goes on after a reset', async () => {
      await under.store.put(putRequest(key, 'a\n'), live);
      under.store.reset();
      assert.deepEqual(await under.store.put(putRequest(`${key}-2`, 'b\n'), live), { outcome: 'stored' });
    });
  });
}
