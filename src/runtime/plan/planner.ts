/**
 * Why a version is in memory, or should be:
 * - `serving`: its model's stable version, wanted by a deployment or an app
 * - `pinned`: as serving, and never unloaded for memory
 * - `fallback`: what a version on probation would go back to
 * - `spare`: loaded because somebody addressed it; may go when memory is short
 * - `retiring`: replaced; goes when its requests are done
 * - `barred`: unloaded by an app, quarantined, revoked, or its package has gone
 */
export type Role = 'serving' | 'pinned' | 'fallback' | 'spare' | 'retiring' | 'barred';

export interface Candidate {
  readonly key: string;
  readonly role: Role;
  readonly status: 'loaded' | 'busy' | 'loading' | 'unloaded';
  /** True after it was unloaded for memory, or while its last load failed: only a request brings it back. */
  readonly onDemandOnly: boolean;
  /** Monotonic. */
  readonly lastUsedMs: number;
  /** Measured; 0 while unknown. */
  readonly bytes: number;
}

export type Step =
  | { readonly kind: 'load'; readonly key: string }
  | { readonly kind: 'unload'; readonly key: string; readonly why: 'retired' | 'memory' | 'barred' };

export interface PlanInput {
  readonly candidates: readonly Candidate[];
  /** Memory of all hosts. */
  readonly budgetBytes: number;
  /** With one shared host, each model's measured bytes are those of the whole process. */
  readonly shared: boolean;
}

/** What to do so that memory holds what should serve. Pure; the executors act on one step each. */
export function plan(input: PlanInput): readonly Step[] {
  const leaving = input.candidates.filter(isLeaving);
  const unloads = leaving.map(({ key, role }): Step => ({
    kind: 'unload',
    key,
    why: role === 'barred' ? 'barred' : 'retired',
  }));
  const staying = input.candidates.filter((candidate) => !leaving.includes(candidate));
  const evicted = makeRoom({ ...input, candidates: staying }, 0, undefined);
  const evictions = evicted.map((key): Step => ({ kind: 'unload', key, why: 'memory' }));
  const loads = staying.filter(shouldLoad).map(({ key }): Step => ({ kind: 'load', key }));
  return [...unloads, ...evictions, ...loads];
}

/**
 * Which loaded models must go before `wantedBytes` more fit: least recently used first, never one that is
 * pinned, in use, or `except`. May be too few: then the caller decides.
 */
export function makeRoom(
  { candidates, budgetBytes, shared }: PlanInput,
  wantedBytes: number,
  except: string | undefined,
): readonly string[] {
  let over = usedBytes(candidates, shared) + wantedBytes - budgetBytes;
  const evictable = candidates
    .filter(({ key, role, status }) => status === 'loaded' && role !== 'pinned' && key !== except)
    .sort((a, b) => rank(a) - rank(b) || a.lastUsedMs - b.lastUsedMs);
  // One process holds all: what a single model would give back is its share.
  const loaded = candidates.filter(({ status }) => status === 'loaded' || status === 'busy').length;
  const keys: string[] = [];
  for (const { key, bytes } of evictable) {
    if (over <= 0) break;
    keys.push(key);
    over -= shared ? bytes / Math.max(1, loaded) : bytes;
  }
  return keys;
}

/**
 * Why `wantedBytes` more do not fit, once all that may go has gone; undefined where they do. With one shared host
 * nothing is known of a single model, so nothing is refused.
 */
export function shortage(input: PlanInput, wantedBytes: number): { readonly freeBytes: number } | undefined {
  if (wantedBytes === 0 || input.shared || makeRoom(input, wantedBytes, undefined).length > 0)
    return undefined;
  const freeBytes = input.budgetBytes - usedBytes(input.candidates, false);
  return wantedBytes > freeBytes ? { freeBytes: Math.max(0, freeBytes) } : undefined;
}

function usedBytes(candidates: readonly Candidate[], shared: boolean): number {
  const bytes = candidates
    .filter(({ status }) => status === 'loaded' || status === 'busy')
    .map((candidate) => candidate.bytes);
  return shared ? Math.max(0, ...bytes) : bytes.reduce((sum, one) => sum + one, 0);
}

/** What is only kept in reserve goes before what serves. */
function rank({ role }: Candidate): number {
  return role === 'retiring' || role === 'barred' ? 0 : role === 'spare' ? 1 : role === 'fallback' ? 2 : 3;
}

/** A busy one finishes its requests first: the agent plans again when it is idle. */
function isLeaving({ role, status }: Candidate): boolean {
  return (role === 'retiring' || role === 'barred') && status === 'loaded';
}

function shouldLoad({ role, status, onDemandOnly }: Candidate): boolean {
  return (role === 'serving' || role === 'pinned') && status === 'unloaded' && !onDemandOnly;
}
