import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EdgeError } from '../../../src/core/mod.js';
import { AsyncExchangeFolder, ExchangeFolder } from '../../../src/runtime/host/port/mod.js';
import { until } from '../../lib/until.js';

const run = promisify(execFile);

describe('exchange files', () => {
  let root: string;
  let folder: string;
  let exchange: ExchangeFolder;
  let other: AsyncExchangeFolder;
  const region = (
    name: string,
    byteSize = 4,
    offset = 0,
  ): { name: string; offset: number; byteSize: number } => ({
    name,
    offset,
    byteSize,
  });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'edge-exchange-'));
    folder = join(root, 'secret-0123');
    await mkdir(folder);
    exchange = new ExchangeFolder(folder);
    other = new AsyncExchangeFolder(folder);
    await writeFile(join(folder, 'good.bin'), 'abcdefgh');
    await writeFile(join(root, 'outside.bin'), 'outside!');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('are read and written by region', async () => {
    assert.equal(Buffer.from(exchange.read(region('good.bin', 3, 2), 'f')).toString(), 'cde');
    assert.equal(Buffer.from(await other.read(region('good.bin', 3, 2), 'f')).toString(), 'cde');
    const written = exchange.write(region('good.bin', 6, 1), [Buffer.from('12'), Buffer.from('3')], 'f');
    assert.deepEqual(written, [region('good.bin', 2, 1), region('good.bin', 1, 3)]);
    assert.equal(await readFile(join(folder, 'good.bin'), 'utf8'), 'a123efgh');
    const back = await other.write(region('good.bin', 6, 1), Buffer.from('zyx'), 'f');
    assert.deepEqual(back, region('good.bin', 3, 1));
    assert.equal(await readFile(join(folder, 'good.bin'), 'utf8'), 'azyxefgh');
  });

  const traps: readonly [string, RegExp, string, (path: string) => Promise<unknown>][] = [
    ['a symbolic link', /symbolic link/, 'link', (path) => symlink(join(root, 'outside.bin'), path)],
    ['a symbolic link within the folder', /symbolic link/, 'link', (path) => symlink('good.bin', path)],
    ['a hard link', /one hard link/, 'hard', (path) => link(join(root, 'outside.bin'), path)],
    ['a FIFO', /not a regular file/, 'fifo', (path) => run('mkfifo', [path])],
    ['a folder', /folder|regular/, 'folder', (path) => mkdir(path)],
    ['a missing file', /no such file/, 'missing', () => Promise.resolve()],
    ['a file that ends before its region', /must hold 4 bytes/, 'short', (path) => writeFile(path, 'abc')],
  ];
  for (const [what, reason, name, make] of traps) {
    it(`refuse ${what}, for reading and writing, without naming the folder`, async () => {
      await make(join(folder, name));
      for (const use of [
        async () => exchange.read(region(name), 'inputs[0].file'),
        async () => exchange.write(region(name), [Buffer.alloc(4)], 'inputs[0].file'),
        async () => await other.read(region(name), 'inputs[0].file'),
        async () => await other.write(region(name), Buffer.alloc(4), 'inputs[0].file'),
      ]) {
        await assert.rejects(
          use,
          (error) =>
            error instanceof EdgeError &&
            error.code === 'INVALID_ARGUMENT' &&
            error.field === 'inputs[0].file' &&
            reason.test(error.message) &&
            !error.message.includes(folder),
        );
      }
    });
  }

  it('refuse names that are paths', async () => {
    for (const name of [
      '../outside.bin',
      '/etc/passwd',
      'a/b',
      '.',
      '..',
      '',
      'a\0b',
      '.hidden',
      '~',
      'x'.repeat(200),
    ]) {
      assert.throws(() => exchange.read(region(name), 'f'), /plain file name/);
      await assert.rejects(other.read(region(name), 'f'), /plain file name/);
    }
  });

  it('refuse devices', async () => {
    assert.throws(() => new ExchangeFolder('/dev').read(region('zero'), 'f'), /not a regular file/);
    await assert.rejects(new AsyncExchangeFolder('/dev').read(region('zero'), 'f'), /not a regular file/);
  });

  it('write nothing where the outputs do not fit', async () => {
    assert.throws(() => exchange.write(region('good.bin', 2), [Buffer.from('123')], 'outputFile'), {
      field: 'outputFile.byteSize',
    });
    await assert.rejects(other.write(region('good.bin', 2), Buffer.from('123'), 'replyFile'), {
      field: 'replyFile.byteSize',
    });
    assert.equal(await readFile(join(folder, 'good.bin'), 'utf8'), 'abcdefgh');
  });

  it('never grow a file, and notice one that became shorter', async () => {
    await truncate(join(folder, 'good.bin'), 2);
    assert.throws(() => exchange.read(region('good.bin'), 'f'), /must hold 4 bytes/);
    await assert.rejects(other.read(region('good.bin'), 'f'), /must hold 4 bytes/);
    assert.throws(() => exchange.write(region('good.bin'), [Buffer.alloc(4)], 'f'), /must hold 4 bytes/);
    assert.equal((await readFile(join(folder, 'good.bin'))).length, 2);
  });

  const readers: readonly [
    string,
    () => { read: (...given: Parameters<AsyncExchangeFolder['read']>) => unknown },
  ][] = [
    ['in one go', () => exchange],
    ['in pieces', () => other],
  ];
  for (const [how, readerOf] of readers) {
    it(`give whole regions or a reason while another process cuts and grows a file that is read ${how}`, async () => {
      const path = join(folder, 'moving.bin');
      const script = `const fs=require('fs');for(;;){fs.truncateSync(${JSON.stringify(path)},1000);fs.truncateSync(${JSON.stringify(path)},8e6)}`;
      await writeFile(path, Buffer.alloc(8e6));
      const child = execFile(process.execPath, ['-e', script]);
      try {
        const reasons = new Set<string>();
        const look = async (): Promise<boolean> => {
          try {
            const bytes = (await readerOf().read(region('moving.bin', 8e6), 'f')) as Uint8Array;
            assert.equal(bytes.byteLength, 8e6);
          } catch (error) {
            assert.ok(error instanceof EdgeError && error.code === 'INVALID_ARGUMENT', String(error));
            reasons.add(error.message.includes('while it was read') ? 'while it was read' : 'before');
          }
          return reasons.has('while it was read');
        };
        await until(look, 'the file changed while it was read');
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
});
