import assert from 'node:assert/strict';
import { bundle, CODE_COMPONENTS } from '../../../deploy/build/mod.js';
import { ROOT } from '../../../examples/stage/root.js';

/** What reads files of samples; each has a parser that a stranger's bytes could reach. */
const DECODERS = ['csv-parse', 'fast-png', 'jpeg-js'];

describe('Decoders of pictures and tables', () => {
  for (const component of CODE_COMPONENTS) {
    it(`are in no artifact of a device: ${component.name}`, async () => {
      const { packages, files } = await bundle(component, ROOT);
      assert.deepEqual(
        packages.filter((name) => DECODERS.includes(name)),
        [],
      );
      for (const { name, bytes } of files) {
        assert.doesNotMatch(Buffer.from(bytes).toString('latin1'), /decodePng|JpegImage/, name);
      }
    });
  }
});
