import assert from 'node:assert/strict';
import { EdgeError, type JsonObject } from '../../../src/core/mod.js';
import { parseConfiguration } from '../../../src/runtime/config/mod.js';
import { parseUploadConfig } from '../../../src/upload/mod.js';

interface Parsed {
  readonly configuration: unknown;
  readonly warning?: string;
}

/** Both components, with keys of the same kind. */
const COMPONENTS: readonly {
  readonly name: string;
  readonly parse: (raw: unknown) => Parsed;
  /** The least that is valid. */
  readonly least: JsonObject;
  readonly number: string;
  readonly optional: { readonly key: string; readonly value: string; readonly former: string };
  /** A former key of the other component. */
  readonly elsewhere: string;
}[] = [
  {
    name: 'the agent',
    parse: parseConfiguration,
    least: {},
    number: 'threadBudget',
    optional: { key: 'fleet', value: 'cameras', former: 'DeviceFleetName' },
    elsewhere: 'BucketName',
  },
  {
    name: 'the uploader',
    parse: parseUploadConfig,
    least: { destination: 'Disk' },
    number: 'maxConcurrency',
    optional: { key: 'bucket', value: 'captures', former: 'BucketName' },
    elsewhere: 'DeviceFleetName',
  },
];

function refusalOf(parse: (raw: unknown) => unknown, raw: unknown): EdgeError {
  try {
    parse(raw);
  } catch (thrown) {
    assert.ok(thrown instanceof EdgeError);
    return thrown;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(raw)} was accepted` });
}

for (const { name, parse, least, number, optional, elsewhere } of COMPONENTS) {
  const { key, value, former } = optional;
  const same = (raw: JsonObject, as: JsonObject): void =>
    assert.deepEqual(parse({ ...least, ...raw }).configuration, parse({ ...least, ...as }).configuration);

  describe(`the configuration of ${name}`, () => {
    for (const blank of ['', null]) {
      it(`takes ${JSON.stringify(blank)} for "not set", whatever the key`, () => {
        same({ [key]: blank }, {});
        same({ [number]: blank }, {});
        same({ [former]: blank }, {});
        same({ logLevel: blank }, {});
        same({ SagemakerEdgeLogVerbose: blank }, {});
        same({ [elsewhere]: blank }, {});
        same({ keyOfAnEarlierDay: blank }, {});
        same({ [key]: blank, [former]: value }, { [key]: value });
        same({ logLevel: blank, SagemakerEdgeLogVerbose: 'true' }, { logLevel: 'debug' });
      });
    }

    it('goes by its own key, then by the first former one', () => {
      same({ [key]: value, [former]: 'theirs' }, { [key]: value });
      same({ logLevel: 'error', SagemakerEdgeLogVerbose: 'true' }, { logLevel: 'error' });
      same(
        { SagemakerEdgeLogVerbose: 'true', sagemaker_edge_log_verbose: 'false' },
        { SagemakerEdgeLogVerbose: 'true' },
      );
    });

    it('reads scalars as both nuclei and former users write them', () => {
      same({ [number]: '3' }, { [number]: 3 });
      same({ [number]: 3.0 }, { [number]: 3 });
      same({ SagemakerEdgeLogVerbose: true }, { logLevel: 'debug' });
    });

    it('names former keys that have no effect here, and says nothing of what is Greengrass’s', () => {
      const given = { ...least, [elsewhere]: 'x', DbEnable: 'true', accessControl: {} };
      const { warning } = parse({ ...given, sagemaker_edge_core_root_certs_path: '/x' });
      const keys = ['DbEnable', elsewhere, 'sagemaker_edge_core_root_certs_path'].sort();
      assert.ok(warning?.endsWith(`have no effect here: ${keys.join(', ')}`), warning);
      assert.equal(parse({ ...least, accessControl: {} }).warning, undefined);
    });

    it('refuses as a whole what is wrong, naming the key', () => {
      for (const [raw, field] of [
        [{ [number]: 'many' }, number],
        [{ [number]: -1 }, number],
        [{ keyOfAnotherDay: 'x' }, 'keyOfAnotherDay'],
        [{ logLevel: 'loud' }, 'logLevel'],
      ] as const) {
        const error = refusalOf(parse, { ...least, ...raw });
        assert.deepEqual([error.code, error.field], ['INVALID_ARGUMENT', field], error.message);
      }
      assert.match(refusalOf(parse, 7).message, /must be an object/);
      assert.match(refusalOf(parse, []).message, /must be an object/);
    });
  });
}

describe('the configuration of the agent', () => {
  const read = (raw: JsonObject) => parseConfiguration(raw).configuration;

  it('takes a blank for "not set" at every depth, also in JSON text and lists', () => {
    assert.deepEqual(
      read({
        probation: null,
        queue: { limit: '', concurrency: null },
        capture: '{"batchSize":"","models":{"Vad":null},"quotaMb":{"error":""}}',
        models: [{ name: 'Vad', version: '' }],
      }),
      read({ models: [{ name: 'Vad' }] }),
    );
  });

  it('keeps an empty text where it is a value: no folder before object keys', () => {
    assert.equal(read({ capture: { folderPrefix: '' } }).capture.folderPrefix, '');
    assert.equal(read({ FolderPrefix: '' }).capture.folderPrefix, '');
    assert.equal(read({ capture: { folderPrefix: null } }).capture.folderPrefix, 'sme-capture');
    assert.equal(read({ capture: { folderPrefix: '' }, FolderPrefix: 'x' }).capture.folderPrefix, '');
  });

  it('leaves policies and rules to their own reader', () => {
    const error = refusalOf(parseConfiguration, { capture: { policies: [{ type: '' }] } });
    assert.equal(error.field, 'capture.policies[0].type');
  });
});
