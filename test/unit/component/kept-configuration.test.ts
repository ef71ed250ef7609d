import { strict as assert } from 'node:assert';
import {
  EdgeError,
  ManualClock,
  silentLogger,
  type JsonObject,
  type LogLevel,
} from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { HeldConfiguration } from '../../../src/component/configuration/mod.js';

/** Takes what an operator writes, and not what it makes of it: as a parser would with a slip in it. */
function parse(raw: unknown): { configuration: { logLevel: LogLevel }; given: JsonObject } {
  const { logLevel, good, kept } = raw as { logLevel: LogLevel; good?: boolean; kept?: boolean };
  if (kept === true) throw new EdgeError('INVALID_ARGUMENT', "Cannot read 'kept'");
  return { configuration: { logLevel }, given: { logLevel, ...(good === true ? {} : { kept: true }) } };
}

describe('a configuration that a restart could not read', () => {
  it('is in force, and the last good one stays on the disk', async () => {
    const files = memoryFiles();
    const applied: LogLevel[] = [];
    const kept = new HeldConfiguration<ReturnType<typeof parse>['configuration'], undefined>({
      file: '/agent/configuration.json',
      files,
      clock: new ManualClock(),
      logger: silentLogger,
      initial: undefined,
      parse,
    });
    kept.onChange(({ logLevel }) => void applied.push(logLevel));
    await kept.offer({ logLevel: 'warn', good: true });
    const before = files.content.get('/agent/configuration.json');
    await kept.offer({ logLevel: 'error' });
    assert.deepEqual(applied, ['warn', 'error']);
    assert.ok(before !== undefined);
    assert.equal(files.content.get('/agent/configuration.json'), before);
    await kept.close();
  });
});
