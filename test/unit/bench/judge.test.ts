import assert from 'node:assert/strict';
import {
  alternate,
  atLeast,
  atMost,
  each,
  joined,
  middles,
  paired,
  skipped,
  spreadOf,
  summaries,
  verdictOf,
  widthOf,
} from '../../bench/judge/mod.js';

const parts = (echo: number[], ours: number[]) => ({ echo, ours });

describe('alternate', () => {
  it('runs the parts in turn, so that each has its neighbour beside it in time', async () => {
    const order: string[] = [];
    const part = (name: string) => (): Promise<readonly number[]> => {
      order.push(name);
      return Promise.resolve([order.length]);
    };
    const rounds = await alternate(2, { a: part('a'), b: part('b') });
    assert.deepEqual(order, ['a', 'b', 'a', 'b']);
    assert.deepEqual(rounds, [
      { a: [1], b: [2] },
      { a: [3], b: [4] },
    ]);
  });

  it('refuses a part that gave nothing, as a ratio over it would say nothing', async () => {
    await assert.rejects(alternate(1, { a: () => Promise.resolve([]) }), /'a' gave no sample/);
  });
});

describe('summaries', () => {
  const rounds = [parts([1, 2, 9], [10, 20, 30]), parts([3, 4, 5], [40, 50, 60])];

  it('give the median of each part, a round each', () => {
    assert.deepEqual(summaries(rounds), [
      { echo: 2, ours: 20 },
      { echo: 4, ours: 50 },
    ]);
  });

  it('take another statistic where one is given, and the medians over rounds', () => {
    const most = summaries(rounds, (samples) => Math.max(...samples));
    assert.deepEqual(most, [
      { echo: 9, ours: 30 },
      { echo: 5, ours: 60 },
    ]);
    assert.deepEqual(middles([...most, { echo: 7, ours: 50 }]), { echo: 7, ours: 50 });
  });

  it('come from one number of each sample', () => {
    const made = each([{ a: [{ ms: 3, runMs: 1 }] }], ({ ms, runMs }) => ms - runMs);
    assert.deepEqual(made, [{ a: [2] }]);
  });

  it('of neighbours put together leave no sample out', () => {
    const five = [1, 2, 3, 4, 5].map((value) => ({ a: [value] }));
    assert.deepEqual(joined(five, 2), [{ a: [1, 2] }, { a: [3, 4, 5] }]);
    assert.deepEqual(joined(five, 9), [{ a: [1, 2, 3, 4, 5] }]);
    assert.deepEqual(joined([], 2), []);
  });
});

describe('a spread', () => {
  it('is as wide as its middle half, as a share of its middle', () => {
    const spread = spreadOf([1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(spread, { p25: 3, p50: 5, p75: 7 });
    assert.equal(widthOf(spread), 0.8);
    assert.equal(widthOf(spreadOf([0, 0, 0])), 0);
  });
});

describe('a verdict', () => {
  const cases: readonly [number, Parameters<typeof verdictOf>[1], number | undefined, string][] = [
    [1.35, { atMost: 1.35 }, undefined, 'met'],
    [1.36, { atMost: 1.35 }, undefined, 'not met'],
    [0.95, { atLeast: 0.95 }, 0.3, 'met'],
    [0.94, { atLeast: 0.95 }, 0.3, 'not met'],
    [1, { atMost: 1.35 }, 0.31, 'noisy'],
    [2, { atMost: 1.35 }, 0.31, 'noisy'],
    [Number.NaN, { atMost: 1 }, undefined, 'not met'],
  ];
  for (const [value, goal, width, verdict] of cases) {
    it(`on ${value} of ${JSON.stringify(goal)} beside a floor of spread ${width ?? 'none'} is '${verdict}'`, () => {
      assert.equal(verdictOf(value, goal, width), verdict);
    });
  }
});

describe('a paired figure', () => {
  it('holds where the machine slowed down meanwhile, as each round has its own floor, and says how far the floor went', () => {
    const rounds = [1, 1, 2, 4, 4].map((slow) => parts([slow], [1.2 * slow]));
    const figure = paired(
      { atMost: 1.35 },
      { figure: 'ours / echo', unit: 'x', rounds, floors: ['echo'], of: (round) => round.ours / round.echo },
    );
    assert.equal(figure.value, 1.2);
    assert.deepEqual(figure.between, { p25: 1.2, p75: 1.2 });
    assert.equal(figure.floorWidth, 1.5);
    assert.equal(figure.verdict, 'noisy');
    assert.deepEqual(figure.detail, { echo: 2, ours: 2.4 });
  });

  it('is decided by its value, not by its rounded form', () => {
    const rounds = [parts([1], [1.354]), parts([1], [1.354])];
    const of = (round: { echo: number; ours: number }): number => round.ours / round.echo;
    const figure = paired({ atMost: 1.35 }, { figure: 'f', unit: 'x', rounds, floors: ['echo'], of });
    assert.equal(figure.value, 1.35);
    assert.equal(figure.verdict, 'not met');
  });

  it('of one round is not decided, as nothing says how far its floor goes', () => {
    const of = (round: { echo: number; ours: number }): number => round.ours / round.echo;
    const figure = paired(
      { atMost: 1.35 },
      { figure: 'f', unit: 'x', rounds: [parts([1], [1])], floors: ['echo'], of },
    );
    assert.equal(figure.verdict, 'noisy');
    assert.equal(figure.floorWidth, undefined);
  });

  it('without a floor says so by having no spread of one', () => {
    const rounds = [parts([1], [5]), parts([9], [5])];
    const figure = paired(
      { atLeast: 5 },
      { figure: 'f', unit: '/s', rounds, floors: [], of: ({ ours }) => ours },
    );
    assert.equal(figure.verdict, 'met');
    assert.equal(figure.floorWidth, undefined);
  });

  it('is noisy by its floors only: ours may spread', () => {
    const rounds = [1, 5, 9].map((ours) => parts([10], [ours]));
    const of = (round: { echo: number; ours: number }): number => round.ours / round.echo;
    const figure = paired({ atMost: 1 }, { figure: 'f', unit: 'x', rounds, floors: ['echo'], of });
    assert.equal(figure.verdict, 'met');
    assert.deepEqual(figure.between, { p25: 0.1, p75: 0.9 });
  });
});

describe('a figure taken once', () => {
  it('has a bound and no spread', () => {
    const taken = { figure: 'f', value: 1, unit: 'MB', detail: { other: 1.23456 } };
    assert.deepEqual(atMost(2, taken), {
      figure: 'f',
      value: 1,
      unit: 'MB',
      goal: '<= 2',
      verdict: 'met',
      detail: { other: 1.235 },
    });
    assert.equal(atLeast(2, taken).verdict, 'not met');
  });

  it('is a number, or an error that names it', () => {
    const taken = { figure: 'serving again', value: Infinity, unit: 'ms', detail: {} };
    assert.throws(() => atMost(2, taken), /Cannot give 'serving again' as its value is Infinity/);
  });

  it('that cannot be had here says why', () => {
    assert.deepEqual(skipped('f', 'no Python'), { figure: 'f', verdict: 'skipped', reason: 'no Python' });
  });
});
