import { sha256Base64 } from '../system/mod.js';
import { Listeners } from '../core/mod.js';
import { failureOf, type ErrorFacts } from './failure.js';
import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';

/** What a test lets happen to a put. */
export type MemoryFault =
  | { readonly kind: 'fail'; readonly facts: ErrorFacts }
  /** Stored, but the answer is lost. */
  | { readonly kind: 'store-then-drop' }
  /** Stored with other bytes, and the store says so. */
  | { readonly kind: 'damage' }
  /** Ends with its signal. */
  | { readonly kind: 'hang' }
  /** Does not even end with its signal: what the watchdog is for. */
  | { readonly kind: 'stuck' };

export interface MemoryObjectStoreOptions {
  readonly faults?: (request: PutRequest, index: number) => MemoryFault | undefined;
  /** Called for every put, before any fault. */
  readonly onPut?: (request: PutRequest) => void | Promise<void>;
}

/** The twin of {@link S3ObjectStore}: objects in a map, faults by script. */
export class MemoryObjectStore implements ObjectStore {
  readonly objects = new Map<string, PutRequest>();
  readonly #options: MemoryObjectStoreOptions;
  readonly #resets = new Listeners<[]>();
  puts = 0;
  resets = 0;

  constructor(options: MemoryObjectStoreOptions = {}) {
    this.#options = options;
  }

  async put(request: PutRequest, signal: AbortSignal): Promise<PutOutcome> {
    const index = this.puts++;
    await this.#options.onPut?.(request);
    if (signal.aborted) return lost('Aborted');
    const fault = this.#options.faults?.(request, index);
    switch (fault?.kind) {
      case 'fail':
        return { outcome: 'failed', failure: failureOf(fault.facts) };
      case 'hang':
        return await this.#wait(signal);
      case 'stuck':
        return await this.#wait(undefined);
      case 'damage':
        this.objects.set(request.key, {
          ...request,
          bytes: Buffer.from('damaged'),
          sha256: sha256Base64('damaged'),
        });
        return { outcome: 'failed', failure: failureOf({ code: 'ChecksumMismatch' }) };
      case 'store-then-drop':
        this.#store(request);
        return lost('ECONNRESET');
      case undefined:
        return this.#store(request);
    }
  }

  reset(): void {
    this.resets++;
    this.#resets.tell();
  }

  close(): Promise<void> {
    this.reset();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #store(request: PutRequest): PutOutcome {
    const sha256 = sha256Base64(request.bytes);
    if (sha256 !== request.sha256)
      return { outcome: 'failed', failure: failureOf({ status: 400, code: 'BadDigest' }) };
    const existing = this.objects.get(request.key);
    this.objects.set(request.key, { ...request, bytes: Uint8Array.from(request.bytes) });
    return { outcome: existing?.sha256 === request.sha256 ? 'exists' : 'stored' };
  }

  #wait(signal: AbortSignal | undefined): Promise<PutOutcome> {
    return new Promise((resolve) => {
      const end = (): void => {
        forget?.();
        resolve(lost('Aborted'));
      };
      // A stuck put does not even end with a reset.
      const forget = signal === undefined ? undefined : this.#resets.add(end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }
}

function lost(code: string): PutOutcome {
  return { outcome: 'failed', failure: failureOf({ code }) };
}
