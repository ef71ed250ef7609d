import type { Ticket } from './model-queue.js';

/** When a caller's last run began. */
export interface Turned {
  readonly caller: string;
  readonly atMs: number;
}

/** A caller that has run within this time is about: room is kept for its next request. */
const ABOUT_MS = 600_000;
/** Callers that are remembered; a caller can name itself anew each time. */
const MAX_CALLERS = 64;

/** Callers by the local endpoint begin so: no component's name does. */
export const ENDPOINT_CALLERS = 'endpoint/';

/** Who has run lately. */
interface Round {
  /** Newest last. */
  readonly known: readonly Turned[];
  /** When a run of a caller that was new here last began. */
  readonly strangerMs: number;
}

/** Who has run lately: all that come by the local endpoint as one, and then these among themselves. */
export interface Turns extends Round {
  readonly endpoint: Round;
}

const NOBODY: Round = { known: [], strangerMs: -Infinity };
export const NO_TURNS: Turns = { ...NOBODY, endpoint: NOBODY };

/** The turns once this caller's run has begun. */
export function turned(turns: Turns, caller: string, nowMs: number): Turns {
  const party = partyOf(caller);
  const endpoint = party === caller ? turns.endpoint : roundAfter(turns.endpoint, caller, nowMs);
  return { ...roundAfter(turns, party, nowMs), endpoint };
}

function roundAfter({ known, strangerMs }: Round, name: string, nowMs: number): Round {
  const others = known.filter((one) => one.caller !== name && nowMs - one.atMs < ABOUT_MS);
  return {
    known: [...others, { caller: name, atMs: nowMs }].slice(-MAX_CALLERS),
    strangerMs: known.some((one) => one.caller === name) ? strangerMs : nowMs,
  };
}

/** What decides whose turn it is. */
export interface Claims {
  /** In order of arrival. */
  readonly waiting: readonly Ticket[];
  /** The callers of what runs, one entry a run. */
  readonly running: readonly string[];
  readonly turns: Turns;
}

/** Claims of whoever takes turns with whom, by these names. */
interface Parties {
  readonly waiting: readonly Ticket[];
  readonly running: readonly string[];
  readonly round: Round;
  readonly nameOf: (caller: string) => string;
}

/**
 * The request whose turn it is: that of the caller whose last run began longest ago. All that are new here have one
 * turn together, by their arrival, as a caller can name itself anew each time. While other callers are about, each has
 * one run in the host at most: whoever comes then waits there for one run, not for all that one caller has sent.
 *
 * All connections to the local endpoint are one caller beside those over IPC, however many they are.
 */
export function fairest(claims: Claims, nowMs: number): Ticket | undefined {
  const first = fairestOf(all(claims), nowMs);
  return first === undefined || !isByEndpoint(first.caller) ? first : fairestOf(byEndpoint(claims), nowMs);
}

function fairestOf({ waiting, running, round, nameOf }: Parties, nowMs: number): Ticket | undefined {
  if (waiting.length === 0) return undefined;
  const last = new Map(round.known.map(({ caller, atMs }) => [caller, atMs]));
  const about = round.known.filter(({ atMs }) => nowMs - atMs < ABOUT_MS).map(({ caller }) => caller);
  const inHost = new Set(running.map(nameOf));
  const names = new Set([...about, ...inHost, ...waiting.map(({ caller }) => nameOf(caller))]);
  const since = ({ caller, arrivedMs }: Ticket): number =>
    last.get(nameOf(caller)) ?? Math.max(arrivedMs, round.strangerMs);
  return waiting
    .filter(({ caller }) => names.size === 1 || !inHost.has(nameOf(caller)))
    .reduce<Ticket | undefined>(
      (best, one) => (best === undefined || since(one) < since(best) ? one : best),
      undefined,
    );
}

/**
 * Whose place in a full queue a caller's request takes: the youngest of whoever has most waiting, where that is more
 * than its own by two or more. A caller that has run here before and has nothing waiting takes that of one who has
 * not: made-up names can't fill the queue for the others. Nor can connections to the local endpoint, which are one.
 */
export function displacedBy(claims: Claims, caller: string): Ticket | undefined {
  const displaced = displacedOf(all(claims), caller);
  if (displaced !== undefined && !isByEndpoint(displaced.caller)) return displaced;
  // Among connections it is the one that has most itself.
  if (displaced !== undefined) return youngestOfMost(byEndpoint(claims)).youngest;
  return isByEndpoint(caller) ? displacedOf(byEndpoint(claims), caller) : undefined;
}

function displacedOf(parties: Parties, caller: string): Ticket | undefined {
  const { waiting, round, nameOf } = parties;
  const { youngest, most } = youngestOfMost(parties);
  const own = waiting.filter((one) => nameOf(one.caller) === nameOf(caller)).length;
  if (most >= own + 2) return youngest;
  const known = new Set(round.known.map((one) => one.caller));
  return own === 0 && known.has(nameOf(caller))
    ? waiting.findLast((one) => !known.has(nameOf(one.caller)))
    : undefined;
}

function youngestOfMost({ waiting, nameOf }: Parties): { youngest: Ticket | undefined; most: number } {
  const counts = new Map<string, number>();
  for (const { caller } of waiting) counts.set(nameOf(caller), (counts.get(nameOf(caller)) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return { youngest: waiting.findLast(({ caller }) => counts.get(nameOf(caller)) === most), most };
}

function all({ waiting, running, turns }: Claims): Parties {
  return { waiting, running, round: turns, nameOf: partyOf };
}

function byEndpoint({ waiting, running, turns }: Claims): Parties {
  return {
    waiting: waiting.filter(({ caller }) => isByEndpoint(caller)),
    running: running.filter(isByEndpoint),
    round: turns.endpoint,
    nameOf: (caller) => caller,
  };
}

function partyOf(caller: string): string {
  return isByEndpoint(caller) ? ENDPOINT_CALLERS : caller;
}

function isByEndpoint(caller: string): boolean {
  return caller.startsWith(ENDPOINT_CALLERS);
}
