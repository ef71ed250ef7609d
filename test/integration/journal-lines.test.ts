import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOGGER = fileURLToPath(new URL('../../src/system/mod.js', import.meta.url));
const PROGRAM = `
  import { stdoutLogger } from ${JSON.stringify(LOGGER)};
  const logger = stdoutLogger('debug').with({ component: 'Test' });
  for (const level of ['error', 'warn', 'info', 'debug']) logger[level]('said', { level });`;

describe('lines of a component', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'journal-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function lines(streamOf: (descriptor: number) => string | undefined): Promise<string[]> {
    const path = join(folder, 'log');
    const descriptor = openSync(path, 'w');
    const stream = streamOf(descriptor);
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      env: { PATH: process.env['PATH'], ...(stream === undefined ? {} : { JOURNAL_STREAM: stream }) },
      stdio: ['ignore', descriptor, 'inherit'],
    });
    await once(child, 'exit');
    closeSync(descriptor);
    return (await readFile(path, 'utf8')).trim().split('\n');
  }

  it('carry priorities where their output is the journal, so that journalctl -p err finds errors', async () => {
    const said = await lines((descriptor) => {
      const { dev, ino } = fstatSync(descriptor);
      return `${dev}:${ino}`;
    });
    assert.deepEqual(
      said.map((line) => line.slice(0, 4)),
      ['<3>{', '<4>{', '<6>{', '<7>{'],
    );
  });

  it('are plain JSON elsewhere, also where the Java nucleus passes its own journal on', async () => {
    for (const stream of [undefined, '8:1234', 'garbage'])
      for (const line of await lines(() => stream)) assert.equal(typeof JSON.parse(line), 'object');
  });
});
