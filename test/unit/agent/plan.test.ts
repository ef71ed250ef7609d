import { strict as assert } from 'node:assert';
import { EdgeError } from '../../../src/core/mod.js';
import {
  decide,
  judge,
  type CallerRecord,
  type Pace,
  makeRoom,
  newestAdmitted,
  plan,
  select,
  type Candidate,
} from '../../../src/runtime/plan/mod.js';
import {
  countTry,
  EMPTY_REGISTRY,
  findVersion,
  promote,
  rebuildRegistry,
  refuse,
  rollBack,
  type RegistryState,
  type VersionRecord,
} from '../../../src/runtime/registry/mod.js';

const digestOf = (version: string): string => version.replaceAll('.', '').padEnd(64, '0');
const record = (version: string, more: Partial<VersionRecord> = {}): VersionRecord => ({
  version,
  digest: digestOf(version),
  packageName: 'Vad',
  component: 'org.edgemanager.model.Vad',
  source: `/artifacts/${version}`,
  kept: true,
  admitted: false,
  tries: 0,
  ...more,
});
const serving = (...versions: string[]): RegistryState =>
  versions.reduce(
    (state, version) => promote(state, 'Vad', record(version), { probation: true }),
    EMPTY_REGISTRY,
  );
const arrival = (version: string, digest = digestOf(version)) => ({ model: 'Vad', version, digest });
const fine = (): void => undefined;

describe('the verdict on a package', () => {
  it('is ALREADY for the digest that serves', () => {
    assert.equal(decide(serving('1.0.0'), arrival('1.0.0'), fine).kind, 'already');
  });

  it('admits an unknown version that may serve, and refuses one that may not', () => {
    assert.deepEqual(decide(serving('1.0.0'), arrival('2.0.0'), fine), { kind: 'admit', again: false });
    const decision = decide(serving('1.0.0'), arrival('0.9.0'), () => {
      throw new EdgeError('FAILED_PRECONDITION', 'too old');
    });
    assert.equal(decision.kind === 'refuse' && decision.error.message, 'too old');
  });

  it('admits again a version that served here, whatever the downgrade rule says', () => {
    const decision = decide(serving('1.0.0', '2.0.0'), arrival('1.0.0'), () => assert.fail('was asked'));
    assert.deepEqual(decision, { kind: 'admit', again: true });
  });

  it('never turns negative for a package that was rolled back or quarantined after it was admitted', () => {
    const back = rollBack(serving('1.0.0', '2.0.0'), 'Vad', { from: '2.0.0', to: '1.0.0', reason: 'slow' });
    const decision = decide(back, arrival('2.0.0'), fine);
    assert.ok(decision.kind === 'already-with-warning' && decision.warning.includes('slow'));
    const bad = countTry(countTry(serving('1.0.0'), 'Vad', '1.0.0', 'dead'), 'Vad', '1.0.0', 'dead');
    assert.equal(decide(bad, arrival('1.0.0'), fine).kind, 'already-with-warning');
  });

  it('refuses other content under an admitted version', () => {
    const decision = decide(serving('1.0.0'), arrival('1.0.0', 'f'.repeat(64)), fine);
    assert.ok(decision.kind === 'refuse' && decision.error.field === 'version');
  });

  it('refuses a quarantined first package at once, and gives a refused one another chance', () => {
    const dead = refuse(EMPTY_REGISTRY, 'Vad', record('1.0.0', { quarantined: 'dead', tries: 2 }), 'dead');
    assert.equal(decide(dead, arrival('1.0.0'), fine).kind, 'refuse');
    const wrong = refuse(EMPTY_REGISTRY, 'Vad', record('1.0.0'), 'samples differ');
    assert.equal(decide(wrong, arrival('1.0.0'), fine).kind, 'admit');
    assert.equal(newestAdmitted(wrong, 'Vad'), undefined);
  });
});

describe('labels', () => {
  it('keep what was replaced as previous, and go back to it', () => {
    const state = serving('1.0.0', '2.0.0');
    assert.deepEqual(state.models['Vad']?.labels, { stable: '2.0.0', previous: '1.0.0' });
    const back = rollBack(state, 'Vad', { from: '2.0.0', to: '1.0.0', reason: 'errors' });
    assert.deepEqual(back.models['Vad']?.labels, { stable: '1.0.0' });
    assert.equal(findVersion(back, 'Vad', '2.0.0')?.rolledBack, 'errors');
    assert.equal(back.models['Vad']?.probationAgainst, undefined);
  });

  it('select by nothing, label or version, and refuse both at once', () => {
    const state = serving('1.0.0', '2.0.0');
    assert.equal(select(state, 'Vad', {}).version, '2.0.0');
    assert.equal(select(state, 'Vad', { label: 'previous' }).version, '1.0.0');
    assert.equal(select(state, 'Vad', { version: '1.0.0' }).version, '1.0.0');
    for (const [selector, code] of [
      [{ version: '1.0.0', label: 'stable' }, 'INVALID_ARGUMENT'],
      [{ version: '9.0.0' }, 'NOT_FOUND'],
      [{ label: 'constructor' }, 'NOT_FOUND'],
    ] as const) {
      assert.throws(() => select(state, 'Vad', selector), { code });
    }
    assert.throws(() => select(state, '__proto__', {}), { code: 'NOT_FOUND' });
  });

  it('are rebuilt from package copies alone: the newest serves', () => {
    const found = ['2.0.0', '10.0.0', '1.0.0'].map((version) => ({
      model: 'Vad',
      packageName: 'Vad',
      version,
      digest: digestOf(version),
      component: undefined,
      asked: version === '2.0.0' ? { labels: ['canary'] } : {},
      source: '/x',
    }));
    assert.deepEqual(rebuildRegistry(found).models['Vad']?.labels, {
      stable: '10.0.0',
      previous: '2.0.0',
      canary: '2.0.0',
    });
  });

  it('of manifests are bounded: the oldest go', () => {
    let state = EMPTY_REGISTRY;
    for (let turn = 1; turn <= 40; turn++) {
      const asking = record(`${turn}.0.0`, { labels: [`label${turn}`, 'newest'] });
      state = promote(state, 'Vad', asking, { probation: false });
    }
    const labels = state.models['Vad']?.labels ?? {};
    assert.equal(Object.keys(labels).length, 18);
    assert.deepEqual(
      ['newest', 'label40', 'label26', 'label25', 'stable'].map((label) => labels[label]),
      ['40.0.0', '40.0.0', '26.0.0', undefined, '40.0.0'],
    );
  });
});

describe('the plan', () => {
  const candidate = (key: string, more: Partial<Candidate> = {}): Candidate => ({
    key,
    role: 'serving',
    status: 'loaded',
    onDemandOnly: false,
    lastUsedMs: 0,
    bytes: 100,
    ...more,
  });
  const input = (candidates: Candidate[], budgetBytes = 1000) => ({ candidates, budgetBytes, shared: false });

  it('loads what should serve, unloads what is retired and idle, leaves what is busy', () => {
    const steps = plan(
      input([
        candidate('a', { status: 'unloaded' }),
        candidate('b', { role: 'retiring' }),
        candidate('c', { role: 'retiring', status: 'busy' }),
        candidate('d', { role: 'barred' }),
        candidate('e', { status: 'unloaded', onDemandOnly: true }),
        candidate('f', { role: 'spare', status: 'unloaded' }),
      ]),
    );
    assert.deepEqual(steps, [
      { kind: 'unload', key: 'b', why: 'retired' },
      { kind: 'unload', key: 'd', why: 'barred' },
      { kind: 'load', key: 'a' },
    ]);
  });

  it('makes room with the least recently used, never pinned or in use ones, reserves first', () => {
    const candidates = [
      candidate('old', { lastUsedMs: 1 }),
      candidate('pinned', { role: 'pinned', lastUsedMs: 0 }),
      candidate('busy', { status: 'busy', lastUsedMs: 0 }),
      candidate('young', { lastUsedMs: 9 }),
      candidate('spare', { role: 'spare', lastUsedMs: 10 }),
    ];
    assert.deepEqual(makeRoom(input(candidates, 500), 100, undefined), ['spare']);
    assert.deepEqual(makeRoom(input(candidates, 500), 200, 'old'), ['spare', 'young']);
    assert.deepEqual(makeRoom(input(candidates, 500), 9999, undefined), ['spare', 'old', 'young']);
    assert.deepEqual(makeRoom(input(candidates, 1000), 100, undefined), []);
  });
});

describe('probation', () => {
  const rules = {
    enabled: true,
    durationSeconds: 60,
    requests: 100,
    minimumRequests: 20,
    errorRate: 0.1,
    nonFiniteRate: 0,
    latencyFactor: 4,
    latencyFloorMs: 10,
  };
  const NO_PAIRS = { pairs: 0, medianRunMs: 0, formerMedianRunMs: 0 };
  const of = (requests: number, more: Partial<CallerRecord> = {}): CallerRecord => ({
    requests,
    failures: 0,
    nonFinite: 0,
    ...more,
  });
  const judged = (elapsedMs: number, callers: Record<string, CallerRecord>, pace: Pace = NO_PAIRS) =>
    judge(rules, elapsedMs, { callers, pace });
  const verdict = (elapsedMs: number, app: CallerRecord, pace?: Pace) =>
    judged(elapsedMs, { app }, pace).verdict;

  it('passes only after both time and count', () => {
    assert.equal(verdict(59_000, of(1000)), 'continue');
    assert.equal(verdict(61_000, of(99)), 'continue');
    assert.equal(verdict(61_000, of(100)), 'passed');
    assert.equal(verdict(25 * 3600 * 1000, of(0)), 'passed');
  });

  it('breaches on failures and non-finite outputs that the former version did not have', () => {
    assert.equal(verdict(0, of(20, { failures: 3 })), 'breach');
    assert.equal(verdict(0, of(20, { failures: 2 })), 'continue');
    assert.equal(verdict(0, of(20, { nonFinite: 1 })), 'breach');
  });

  it('gives no verdict before enough requests', () => {
    assert.equal(verdict(0, of(19, { failures: 19 })), 'continue');
  });

  it('breaches on latency only by what both versions took for the same inputs', () => {
    const pace = (pairs: number, medianRunMs: number, formerMedianRunMs: number): Pace => ({
      pairs,
      medianRunMs,
      formerMedianRunMs,
    });
    assert.equal(verdict(0, of(20), pace(10, 21, 5)), 'breach');
    assert.equal(verdict(0, of(20), pace(9, 21, 5)), 'continue');
    assert.equal(verdict(0, of(20), pace(10, 210, 200)), 'continue');
    assert.equal(verdict(0, of(20), pace(10, 9, 0.1)), 'continue');
  });

  it('takes no caller alone for the whole evidence, where others speak for the version', () => {
    const one = of(1000, { failures: 900, nonFinite: 900 });
    assert.equal(judged(0, { one, other: of(20) }).verdict, 'continue');
    assert.equal(judged(0, { one, other: of(10), third: of(10) }).verdict, 'continue');
    assert.equal(judged(0, { one, other: of(19) }).verdict, 'breach');
    assert.equal(judged(0, { one, other: of(20, { failures: 3 }) }).verdict, 'breach');
    assert.equal(judged(0, { one, other: of(20, { nonFinite: 1 }) }).verdict, 'breach');
  });

  it('says its evidence in numbers', () => {
    const callers = { app: of(30, { failures: 12 }), other: of(20, { failures: 8 }) };
    assert.deepEqual(judged(0, callers), {
      verdict: 'breach',
      reason:
        '20 of 50 requests failed that the former version answered (seen by 2 callers): at most 10 % may',
    });
  });
});
