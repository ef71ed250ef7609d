import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../../../', import.meta.url);
/** A client of AWS's SDK is made. */
const MADE = /\bnew (S3|STS|IoT|IoTDataPlane|GreengrassV2|SageMaker)(Client)?\(/;
/** It is kept quiet: directly, or by what makes the options of all clients. */
const QUIET = /\bquietSdk\(|\bclientConfig\(|\bconfigFor\(/;

describe('the AWS SDK’s warning of old Node versions', () => {
  it('is turned off by whatever makes a client in the product and its examples', () => {
    const files = ['src', 'deploy', 'examples', 'components'].flatMap((folder) =>
      readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
        .map((name) => `${folder}/${name}`),
    );
    const making = files.filter((file) => MADE.test(readFileSync(new URL(file, root), 'utf8')));
    assert.ok(making.length >= 4, making.join());
    const loud = making.filter((file) => !QUIET.test(readFileSync(new URL(file, root), 'utf8')));
    assert.deepEqual(loud, []);
  });

  it('is off in tests', () => {
    assert.equal(process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'], 'true');
  });
});
