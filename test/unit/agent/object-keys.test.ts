import { strict as assert } from 'node:assert';
import { parseConfiguration } from '../../../src/runtime/config/mod.js';

describe("what object keys are made of, in the agent's configuration", () => {
  for (const [raw, told] of [
    [{ fleet: '..' }, /'fleet' should hold no/],
    [{ DeviceFleetName: '.' }, /'fleet' should hold no/],
    [{ fleet: 'a\u0000b' }, /'fleet' should hold no/],
    [{ capture: { folderPrefix: '../x' } }, /'capture.folderPrefix' should hold no/],
    [{ capture: { folderPrefix: 'a/../../b' } }, /'capture.folderPrefix' should hold no/],
    [{ capture: { folderPrefix: 'a/./b' } }, /'capture.folderPrefix' should hold no/],
    [{ capture: { folderPrefix: 'a/..' } }, /'capture.folderPrefix' should hold no/],
    [{ capture: { folderPrefix: 'a\u2028b' } }, /'capture.folderPrefix' should hold no/],
    [{ fleet: 'a\u0085b' }, /'fleet' should hold no/],
    [{ FolderPrefix: 'a\nb' }, /'capture.folderPrefix' should hold no/],
    [{ capture: { folderPrefix: '\u{1f600}'.repeat(200) } }, /S3 allows 1024/],
  ] as const) {
    it(`stays in force as it was accepted before, with a warning: ${JSON.stringify(raw).slice(0, 60)}`, () => {
      assert.match(parseConfiguration(raw).warning ?? '', told);
    });
  }

  it('is told nothing of where nothing is wrong with it', () => {
    const raw = { fleet: 'ovens', capture: { folderPrefix: 'sme-capture/..ovens' } };
    assert.equal(parseConfiguration(raw).warning, undefined);
  });
});
