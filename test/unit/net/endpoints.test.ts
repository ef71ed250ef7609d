import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import { chooseEndpoints } from '../../../src/net/mod.js';

const FIPS = { AWS_USE_FIPS_ENDPOINT: 'true' };
const DUAL = { AWS_USE_DUALSTACK_ENDPOINT: 'true' };
const none = { useFipsEndpoint: false, useDualstackEndpoint: false };

describe('chooseEndpoints', () => {
  it('goes by what was set, then by the environment', () => {
    assert.deepEqual(chooseEndpoints({}, {}), { choice: none, warnings: [] });
    assert.deepEqual(chooseEndpoints({}, FIPS).choice, { ...none, useFipsEndpoint: true });
    assert.deepEqual(chooseEndpoints({}, DUAL).choice, { ...none, useDualstackEndpoint: true });
    assert.deepEqual(chooseEndpoints({ useFipsEndpoint: false }, FIPS).choice, none);
    assert.deepEqual(chooseEndpoints({ useFipsEndpoint: true, region: 'us-gov-west-1' }, DUAL).choice, {
      useFipsEndpoint: true,
      useDualstackEndpoint: true,
    });
  });

  it('leaves an inherited switch aside for an endpoint of its own, audibly', () => {
    const { choice, warnings } = chooseEndpoints({ endpoint: 'https://store.example' }, { ...FIPS, ...DUAL });
    assert.deepEqual(choice, none);
    assert.deepEqual(
      warnings.map((warning) => warning.split(' ')[0]),
      ['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT'],
    );
  });

  it('refuses in one sentence what the SDK would refuse at each request', () => {
    const endpoint = 'https://store.example';
    const pairs = [
      [{ endpoint, useFipsEndpoint: true }, {}, 'useFipsEndpoint'],
      [{ endpoint, useDualstackEndpoint: true }, {}, 'useDualstackEndpoint'],
      [{ region: 'cn-north-1', useFipsEndpoint: true }, {}, 'useFipsEndpoint'],
      [{ region: 'cn-northwest-1' }, FIPS, 'AWS_USE_FIPS_ENDPOINT'],
    ] as const;
    for (const [wishes, environment, field] of pairs)
      assert.throws(
        () => chooseEndpoints(wishes, environment),
        (error: unknown) =>
          error instanceof EdgeError && error.field === field && error.message.startsWith('Cannot use'),
      );
  });
});
