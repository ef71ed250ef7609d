import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  CapturedRecord,
  EventMetadata,
  parseRecords,
  POLICY_SCHEMAS,
  RecordItem,
} from '../../../src/capture/mod.js';
import { EdgeError } from '../../../src/core/mod.js';

const docs = readFileSync('docs/records.md', 'utf8');

describe('docs/records', () => {
  it('holds the schema that records are made by', () => {
    const published: unknown = JSON.parse(readFileSync('docs/records.schema.json', 'utf8'));
    assert.deepEqual(published, JSON.parse(JSON.stringify(CapturedRecord)));
  });

  it('names every key of a record and every policy', () => {
    const keys = [
      ...Object.keys(CapturedRecord.properties).filter((key) => key !== 'eventMetadata'),
      ...Object.keys(EventMetadata.properties),
      ...Object.keys(RecordItem.properties),
      ...Object.keys(POLICY_SCHEMAS),
    ];
    for (const key of keys)
      assert.match(docs, new RegExp(`[\`.]${key}\``), `${key} is not in docs/records.md`);
  });
});

describe('parseRecords', () => {
  const refusals: [string, string, RegExp][] = [
    ['no JSON', '{"eventVersion"', /Cannot read record 1 as it is not JSON/],
    ['another version', '{"eventVersion":"9"}', /'eventVersion' must be one of 0: current value is "9"/],
    ['a record without metadata', '{"eventVersion":"0"}', /Cannot read record 1 as '.*' is missing/],
  ];
  for (const [title, line, pattern] of refusals) {
    it(`refuses ${title}`, () => {
      assert.throws(
        () => parseRecords(Buffer.from(line)),
        (error) => error instanceof EdgeError && pattern.test(error.message),
      );
    });
  }
});
