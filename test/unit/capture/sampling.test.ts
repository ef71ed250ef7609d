import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  createSampler,
  parsePolicies,
  POLICY_SCHEMAS,
  type CapturePolicy,
  type PolicyOf,
  type PolicyType,
  type Sampler,
} from '../../../src/capture/mod.js';
import type { Tensor, TensorMetadata } from '../../../src/contract/mod.js';
import { EdgeError, ManualClock, SeededRandom } from '../../../src/core/mod.js';

const policies = { mode: 'policies' } as const;
const scoresMetadata: TensorMetadata = { name: 'scores', datatype: 'FP32', shape: ['n', 4] };

function floats(
  values: readonly number[],
  shape: readonly number[] = [1, values.length],
  name = 'scores',
): Tensor {
  return { name, datatype: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

function sampler(
  given: unknown[],
  outputs: readonly TensorMetadata[] = [scoresMetadata],
  clock = new ManualClock(),
): Sampler {
  return createSampler(parsePolicies(given), outputs, {
    clock,
    random: new SeededRandom(7),
    labels: ['cat', 'dog', 'bird', 'fish'],
  });
}

function reasonsAfter(
  given: unknown[],
  tensor: Tensor,
  outputs?: readonly TensorMetadata[],
): readonly string[] {
  return sampler(given, outputs).decideAfter([tensor], undefined, policies)?.reasons ?? [];
}

function countBefore(target: Sampler, requests: number): number {
  let sampled = 0;
  for (let request = 0; request < requests; request++)
    if (target.decideBefore(policies) !== undefined) sampled += 1;
  return sampled;
}

describe('capture sampling', () => {
  it('captures nothing where no policy is given, but what the caller asks for', () => {
    const none = sampler([]);
    assert.equal(countBefore(none, 100), 0);
    assert.equal(none.couldSample(policies), false);
    assert.deepEqual(none.decideBefore({ mode: 'always' })?.reasons, ['on-demand']);
  });

  it('keeps a request out on `never`, whatever the policies say', () => {
    const all = sampler([
      { type: 'percentage', percent: 100 },
      { type: 'threshold', output: 'scores', above: 0 },
    ]);
    assert.equal(all.decideBefore({ mode: 'never' }), undefined);
    assert.equal(all.couldSample({ mode: 'never' }), false);
    assert.equal(all.decideAfter([floats([9])], undefined, { mode: 'never' }), undefined);
  });

  it('takes the percentage asked for', () => {
    const sampled = countBefore(sampler([{ type: 'percentage', percent: 25 }]), 10_000);
    assert.ok(sampled > 2300 && sampled < 2700, `25 % of 10,000 is not ${sampled}`);
    assert.equal(countBefore(sampler([{ type: 'percentage', percent: 100 }]), 1000), 1000);
  });

  it('takes every n-th request, from the first', () => {
    assert.equal(countBefore(sampler([{ type: 'every-n', n: 10 }]), 100), 10);
    assert.equal(countBefore(sampler([{ type: 'every-n', n: 10 }]), 1), 1);
  });

  it('takes the first requests after a load, and so after each switch to a version that was loaded for it', () => {
    const policy = [{ type: 'first-after-switch', count: 3 }];
    assert.equal(countBefore(sampler(policy), 50), 3);
    assert.equal(countBefore(sampler(policy), 50), 3);
  });

  // Typed by all policy types: a new one does not compile here until it says when it fires.
  const firing: { readonly [T in PolicyType]: readonly [Omit<PolicyOf<T>, 'type'>, number[]] } = {
    percentage: [{ percent: 100 }, [0.25, 0.25, 0.25, 0.25]],
    'every-n': [{ n: 1 }, [0.25, 0.25, 0.25, 0.25]],
    'first-after-switch': [{ count: 1 }, [0.25, 0.25, 0.25, 0.25]],
    'least-confidence': [{ below: 0.5 }, [0.25, 0.25, 0.25, 0.25]],
    margin: [{ below: 0.1 }, [0.5, 0.5, 0, 0]],
    entropy: [{ above: 0.9 }, [0.25, 0.25, 0.25, 0.25]],
    'by-class': [{ classes: ['cat'] }, [1, 0, 0, 0]],
    threshold: [{ above: 0.9 }, [1, 0, 0, 0]],
    'non-finite': [{}, [Number.NaN, 0, 0, 0]],
  };
  for (const [type, [parameters, scores]] of Object.entries(firing)) {
    it(`lets ${type} fire, and so every type of policy that configuration can name`, () => {
      const target = sampler([{ type, ...parameters }]);
      const decision = target.decideAfter([floats(scores)], target.decideBefore(policies), policies);
      assert.deepEqual(decision?.reasons, [type]);
    });
  }

  it('knows when every type of policy fires', () => {
    assert.deepEqual(Object.keys(firing).sort(), Object.keys(POLICY_SCHEMAS).sort());
  });

  it('sees low confidence, a small margin and a high entropy in any row', () => {
    const sure = [0.97, 0.01, 0.01, 0.01];
    const torn = [0.4, 0.38, 0.12, 0.1];
    const judge = [
      { type: 'least-confidence', name: 'low', below: 0.5 },
      { type: 'margin', below: 0.1 },
      { type: 'entropy', above: 0.8 },
    ];
    assert.deepEqual(reasonsAfter(judge, floats(sure)), []);
    assert.deepEqual(reasonsAfter(judge, floats([...sure, ...torn], [2, 4])), [
      'least-confidence:low',
      'margin',
      'entropy',
    ]);
  });

  it('reads logits through softmax', () => {
    const judge = [{ type: 'least-confidence', below: 0.5, activation: 'softmax' }];
    assert.deepEqual(reasonsAfter(judge, floats([1000, 0, 0, 0])), []);
    assert.deepEqual(reasonsAfter(judge, floats([1000, 1000, 1000, 0])), ['least-confidence']);
  });

  it('takes one score a row for two classes', () => {
    const voice: TensorMetadata = { name: 'scores', datatype: 'FP32', shape: [-1, 1] };
    const judge = [{ type: 'least-confidence', below: 0.7 }];
    assert.deepEqual(reasonsAfter(judge, floats([0.02], [1, 1]), [voice]), []);
    assert.deepEqual(reasonsAfter(judge, floats([0.55], [1, 1]), [voice]), ['least-confidence']);
  });

  it('tells classes by index, label and integer output', () => {
    assert.deepEqual(reasonsAfter([{ type: 'by-class', classes: ['dog'] }], floats([0.1, 0.8, 0.1, 0])), [
      'by-class',
    ]);
    assert.deepEqual(reasonsAfter([{ type: 'by-class', classes: [0] }], floats([0.1, 0.8, 0.1, 0])), []);
    const label: Tensor = {
      name: 'label',
      datatype: 'INT64',
      shape: [1],
      data: new Uint8Array(BigInt64Array.of(2n).buffer),
    };
    const metadata: TensorMetadata = { name: 'label', datatype: 'INT64', shape: [1] };
    assert.deepEqual(reasonsAfter([{ type: 'by-class', classes: ['bird'] }], label, [metadata]), [
      'by-class',
    ]);
  });

  it('sees thresholds and non-finite values, also in half precision and at odd offsets', () => {
    const padded = new Uint8Array(1 + 8);
    padded.set(new Uint8Array(Float32Array.of(0.5, Number.NaN).buffer), 1);
    const odd: Tensor = { name: 'scores', datatype: 'FP32', shape: [1, 2], data: padded.subarray(1) };
    assert.deepEqual(reasonsAfter([{ type: 'non-finite' }], odd), ['non-finite']);
    const half: Tensor = {
      name: 'scores',
      datatype: 'FP16',
      shape: [2],
      data: new Uint8Array(Uint16Array.of(0x3c00, 0x7c00).buffer),
    };
    assert.deepEqual(reasonsAfter([{ type: 'non-finite' }], half), ['non-finite']);
    assert.deepEqual(reasonsAfter([{ type: 'threshold', above: 0.9 }], floats([0.5, 0.95])), ['threshold']);
    assert.deepEqual(reasonsAfter([{ type: 'threshold', above: 0.9, below: 0.1 }], floats([0.5, 0.6])), []);
  });

  it('gives all reasons, and the most urgent priority', () => {
    const several = sampler([{ type: 'percentage', percent: 100 }, { type: 'non-finite' }]);
    const before = several.decideBefore(policies);
    assert.deepEqual(before, { reasons: ['percentage'], priority: 'sample' });
    assert.deepEqual(several.decideAfter([floats([Number.POSITIVE_INFINITY])], before, policies), {
      reasons: ['percentage', 'non-finite'],
      priority: 'error',
    });
    assert.deepEqual(several.decideAfter([floats([1])], before, policies), before);
  });

  it('limits each policy per minute, hour and day on monotonic time', async () => {
    const clock = new ManualClock();
    const limited = sampler(
      [{ type: 'percentage', percent: 100, limit: { perMinute: 5, perHour: 8, perDay: 10 } }],
      [scoresMetadata],
      clock,
    );
    assert.equal(countBefore(limited, 100), 5);
    clock.jumpWall(0);
    assert.equal(countBefore(limited, 100), 0);
    await clock.advance(60_000);
    assert.equal(countBefore(limited, 100), 3);
    await clock.advance(3_600_000);
    assert.equal(countBefore(limited, 100), 2);
    await clock.advance(86_400_000);
    assert.equal(countBefore(limited, 100), 5);
  });

  it('survives any outputs without throwing', () => {
    const all = [
      { type: 'least-confidence', below: 0.5 },
      { type: 'margin', below: 0.5 },
      { type: 'entropy', above: 0.5 },
      { type: 'by-class', classes: [1] },
      { type: 'threshold', above: 2 },
      { type: 'non-finite' },
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(fc.nat(8), { maxLength: 3 }), (data, shape) => {
        sampler(all).decideAfter([{ name: 'scores', datatype: 'FP32', shape, data }], undefined, policies);
      }),
      { numRuns: 500 },
    );
  });
});

describe('capture policies', () => {
  const refusals: [string, unknown[], RegExp][] = [
    ['an unknown type', [{ type: 'random' }], /policies\[0\]\.type' must be one of percentage, every-n/],
    [
      'a percentage above 100',
      [{ type: 'percentage', percent: 101 }],
      /'percentage' as 'percent' must be at most 100/,
    ],
    ['an unknown parameter', [{ type: 'every-n', n: 2, every: 3 }], /'every' is not a known key/],
    ['a threshold without a bound', [{ type: 'threshold' }], /needs 'above' or 'below'/],
    [
      'two policies of one tag',
      [
        { type: 'every-n', n: 2 },
        { type: 'every-n', n: 3 },
      ],
      /'every-n' as it stands twice/,
    ],
    ['a limit of nothing', [{ type: 'every-n', n: 2, limit: {} }], /'limit' must not be empty/],
  ];
  for (const [title, given, pattern] of refusals) {
    it(`refuses ${title}`, () => {
      assert.throws(
        () => parsePolicies(given),
        (error) => error instanceof EdgeError && pattern.test(error.message),
      );
    });
  }

  const text: TensorMetadata = { name: 'text', datatype: 'BYTES', shape: [1] };
  const inapplicable: [string, CapturePolicy, readonly TensorMetadata[], RegExp][] = [
    [
      'margin on text',
      { type: 'margin', below: 0.1 },
      [text],
      /'margin' as none of the model's outputs fits it: text \(BYTES\)/,
    ],
    [
      'non-finite on text',
      { type: 'non-finite' },
      [text],
      /'non-finite' as the model has no floating-point output/,
    ],
    [
      'an output that is not there',
      { type: 'threshold', output: 'x', above: 1 },
      [scoresMetadata],
      /has no output 'x'/,
    ],
    [
      'a choice between two outputs',
      { type: 'entropy', above: 0.5 },
      [scoresMetadata, { ...scoresMetadata, name: 'other' }],
      /several outputs fit/,
    ],
    ['an unknown label', { type: 'by-class', classes: ['cow'] }, [scoresMetadata], /no label 'cow'/],
  ];
  for (const [title, policy, outputs, pattern] of inapplicable) {
    it(`names a policy that can't apply: ${title}`, () => {
      assert.throws(
        () => sampler([policy], outputs),
        (error) =>
          error instanceof EdgeError && error.code === 'FAILED_PRECONDITION' && pattern.test(error.message),
      );
    });
  }
});
