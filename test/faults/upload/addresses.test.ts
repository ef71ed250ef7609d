import assert from 'node:assert/strict';
import { memoryFiles } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { storeOf } from '../../../src/upload/configured-store.js';
import { parseUploadConfig } from '../../../src/upload/mod.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { ForwardProxy } from '../../lib/forward-proxy.js';
import { startTokenExchangeStub } from '../../lib/token-exchange-stub.js';
import { until } from '../../lib/until.js';
import { memoryLogger, uploadObject } from '../../lib/upload.js';

const FIPS = { AWS_USE_FIPS_ENDPOINT: 'true' };
const DUAL = { AWS_USE_DUALSTACK_ENDPOINT: 'true' };
const VPC = 'bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com';

/** A configuration beside the bucket's name and the environment that the nucleus gives; and the address that follows. */
const ADDRESSES: readonly [configuration: object, environment: Record<string, string>, address: string][] = [
  [{}, { AWS_REGION: 'eu-west-1' }, 'BUCKET.s3.eu-west-1.amazonaws.com'],
  [{ region: 'us-east-1' }, { AWS_REGION: 'eu-west-1' }, 'BUCKET.s3.us-east-1.amazonaws.com'],
  [{}, { AWS_REGION: 'eu-west-1', ...DUAL }, 'BUCKET.s3.dualstack.eu-west-1.amazonaws.com'],
  [
    { useDualstackEndpoint: true },
    { AWS_REGION: 'eu-west-1' },
    'BUCKET.s3.dualstack.eu-west-1.amazonaws.com',
  ],
  [
    { useDualstackEndpoint: false },
    { AWS_REGION: 'eu-west-1', ...DUAL },
    'BUCKET.s3.eu-west-1.amazonaws.com',
  ],
  [{}, { AWS_REGION: 'us-west-2', ...FIPS }, 'BUCKET.s3-fips.us-west-2.amazonaws.com'],
  [{}, { AWS_REGION: 'us-west-2', ...FIPS, ...DUAL }, 'BUCKET.s3-fips.dualstack.us-west-2.amazonaws.com'],
  [{}, { AWS_REGION: 'us-gov-west-1' }, 'BUCKET.s3.us-gov-west-1.amazonaws.com'],
  [{}, { AWS_REGION: 'us-gov-west-1', ...FIPS }, 'BUCKET.s3-fips.us-gov-west-1.amazonaws.com'],
  [{}, { AWS_REGION: 'us-gov-east-1', ...DUAL }, 'BUCKET.s3.dualstack.us-gov-east-1.amazonaws.com'],
  [{}, { AWS_REGION: 'cn-north-1' }, 'BUCKET.s3.cn-north-1.amazonaws.com.cn'],
  [{}, { AWS_REGION: 'cn-northwest-1', ...DUAL }, 'BUCKET.s3.dualstack.cn-northwest-1.amazonaws.com.cn'],
  // A name with dots does not fit the certificate's one level below.
  [{ bucket: 'my.captures' }, { AWS_REGION: 'eu-west-1' }, 's3.eu-west-1.amazonaws.com'],
  [{ endpoint: `https://${VPC}` }, { AWS_REGION: 'eu-west-1' }, VPC],
  [{ endpoint: `https://${VPC}`, forcePathStyle: false }, { AWS_REGION: 'eu-west-1' }, `BUCKET.${VPC}`],
  [{ endpoint: `https://${VPC}` }, { AWS_REGION: 'eu-west-1', ...FIPS, ...DUAL }, VPC],
  [{ endpoint: 'https://[2001:db8::7]:9000' }, { AWS_REGION: 'eu-west-1' }, '[2001:db8::7]:9000'],
  [
    { bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/captures' },
    { AWS_REGION: 'eu-west-1' },
    'captures-123456789012.s3-accesspoint.eu-west-1.amazonaws.com',
  ],
  [
    { bucket: 'arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/captures' },
    { AWS_REGION: 'cn-north-1' },
    'captures-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn',
  ],
];

describe('R24: the addresses that captures go to', () => {
  it('follow from configuration and environment, in each partition', async () => {
    await using proxy = await ForwardProxy.start({ kind: 'http', targets: {} });
    await using exchange = await startTokenExchangeStub(() => systemClock.wallMs());
    for (const [configuration, environment, address] of ADDRESSES) {
      const { configuration: config } = parseUploadConfig({ bucket: 'a-bucket', ...configuration });
      const place = {
        clock: systemClock,
        logger: memoryLogger(systemClock).logger,
        workFolder: '/nowhere',
        tokenExchangePort: async () => undefined,
        environment: { ...exchange.environment, ...environment, HTTPS_PROXY: proxy.url },
      };
      await using store = storeOf(config, place, memoryFiles());
      const asked = proxy.asked.length;
      const { key, bytes, contentType } = uploadObject(1);
      const sha256 = Buffer.from(uploadObject(1).sha256, 'hex').toString('base64');
      await store.put({ key, bytes, contentType, sha256 }, AbortSignal.timeout(10_000));
      await until(() => proxy.asked.length > asked, 'the proxy tells what it was asked for');
      const wanted = address.replace('BUCKET', 'a-bucket');
      assert.deepEqual(
        [...new Set(proxy.asked.slice(asked))],
        [`CONNECT ${/:\d+$/.test(wanted) ? wanted : `${wanted}:443`}`],
        JSON.stringify([configuration, environment]),
      );
    }
    reportFaultRow({
      row: 'R24',
      cycles: ADDRESSES.length,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `addresses=${ADDRESSES.length}`,
    });
  });
});
