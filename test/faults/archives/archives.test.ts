import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fetchApprovedModel, type ArtifactStore, type ModelRegistry } from '../../../deploy/mod.js';
import { ARCHIVE_LIMITS, EdgeError, SeededRandom } from '../../../src/core/mod.js';
import { unzip } from '../../../src/local/nucleus/unzip.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { temporaryFolder } from '../../lib/model-package.js';
import {
  nameExtra,
  pax,
  rawTar,
  rawZip,
  type RawTarEntry,
  type RawZipEntry,
  zip64Extra,
} from '../../lib/raw-archives.js';

const ARN = 'arn:aws:sagemaker:us-east-1:123456789012:model-package/attack/1';
const SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? 20_260_101);
const MUTATED = 1000;
const good = { name: 'model.onnx', data: Buffer.from('onnx') };
const zeros = Buffer.alloc(64 * 2 ** 20);
const deep = `${'d/'.repeat(ARCHIVE_LIMITS.maxDepth)}x`;
const LYING = rawZip([{ name: 'x', data: zeros, declaredBytes: 10 }]);
const many = Array.from({ length: ARCHIVE_LIMITS.maxEntries + 1 }, (_, index) => ({ name: `f${index}` }));

const PATH = /no safe path|damaged: (invalid relative path|absolute path|invalid characters)/;
const KIND = /neither a file nor a folder/;
const MORE = /would unpack to more than|is no size/;
const CLASH = /clashes with/;
const TWO_NAMES = /another name elsewhere/;
const TWO_SIZES = /another size, sum or method elsewhere/;
const BEFORE = /before its first entry/;
const other = rawZip([{ name: 'x', data: Buffer.from('x') }]);
const TWO = /two names or sizes/;

/** Names that lead out of the folder, or to one place by two ways; the same in both formats. */
const NAMES: Readonly<Record<string, readonly [names: readonly string[], reason: RegExp]>> = {
  'dot-dot': [['../x'], PATH],
  'dot-dot in the middle': [['a/../../x'], PATH],
  absolute: [['/x'], PATH],
  backslash: [['..\\x'], PATH],
  drive: [['C:/x'], PATH],
  NUL: [['a\0b'], PATH],
  'empty part': [['a//x'], PATH],
  duplicate: [['x', 'x'], CLASH],
  'case clash': [['x', 'X'], CLASH],
  'case clash of folders': [['a/x', 'A/y'], CLASH],
  'spelling clash': [['\u00e9', 'e\u0301'], CLASH],
  'file as folder': [['a', 'a/x'], CLASH],
  'dots and a blank, for up': [['.. /x'], PATH],
  'dots only': [['.../x'], PATH],
  'a blank for a name': [['a/ /x'], PATH],
  'a line end in a name': [['a\nb'], PATH],
  'a C1 control in a name': [['a\u009b2J'], PATH],
  'clash by a dot at the end': [['x', 'x.'], CLASH],
  'clash by blanks at the end': [['x', 'x  '], CLASH],
  'clash by what nobody sees': [['x', 'x\u200d'], CLASH],
  'clash of one letter and two': [['stra\u00dfe', 'STRASSE'], CLASH],
  'clash of a sign': [['K', '\u212a'], CLASH],
  'file as folder, by another case': [['a', 'A/x'], CLASH],
  'too deep': [[deep], /deeper than 16/],
};

type Attack = readonly [archive: Buffer, reason: RegExp];

const ZIPS: Readonly<Record<string, Attack>> = {
  ...fromNames((names) => rawZip([good, ...names.map((name) => ({ name, data: Buffer.from('evil') }))])),
  'too many': [rawZip(many), /at most 10000/],
  'symbolic link': [rawZip([good, { name: 'l', data: Buffer.from('/etc'), mode: 0o120777 }]), KIND],
  'symlink, then a write through it': [
    rawZip([
      { name: 'd', data: Buffer.from('..'), mode: 0o120777 },
      { name: 'd/x', data: Buffer.from('evil') },
    ]),
    KIND,
  ],
  device: [rawZip([good, { name: 'null', mode: 0o020666 }]), KIND],
  pipe: [rawZip([good, { name: 'pipe', mode: 0o010666 }]), KIND],
  'ratio of 1000': [rawZip([good, { name: 'zeros', data: zeros }]), MORE],
  '42.zip-like: sixteen bombs': [rawZip(bombs(16)), MORE],
  overlapping: [rawZip([good, ...overlapping(10)]), /overlaps/],
  'total over 4 GiB': [rawZip([good, { name: 'x', data: zeros, declaredBytes: 2 ** 32 - 2 }]), MORE],
  'zip64 lie, too large': [
    rawZip([good, { name: 'x', data: Buffer.from('x'), declaredBytes: 2 ** 52 }]),
    MORE,
  ],
  'zip64 lie, no number': [
    rawZip([good, { name: 'x', data: Buffer.from('x'), declaredBytes: 2 ** 60 }]),
    MORE,
  ],
  'size lie, too small': [LYING, /too many bytes/],
  'wrong CRC': [rawZip([{ name: 'x', data: Buffer.from('x'), crc: 1 }]), /match its checksum/],
  encrypted: [rawZip([{ name: 'x', data: Buffer.from('x'), flags: 0x0801 }]), /encrypted/],
  'ends after the archive': [
    rawZip([{ name: 'x', data: Buffer.from('x'), compressedBytes: 2 ** 30 }]),
    /ends after/,
  ],
  'cut off': [rawZip([good]).subarray(0, 60), /damaged/],
  'another name in front of the content': [rawZip([{ ...good, localName: '../x.onnx' }]), TWO_NAMES],
  'another name of the same length': [rawZip([{ ...good, localName: 'model.ONNX' }]), TWO_NAMES],
  'another name in an extra field': [rawZip([{ ...good, extra: nameExtra(good.name, 'x.onnx') }]), TWO_NAMES],
  'a way out in an extra field': [rawZip([{ ...good, extra: nameExtra(good.name, '../x.onnx') }]), PATH],
  'another size in front of the content': [rawZip([{ ...good, local: { size: 5 } }]), TWO_SIZES],
  'another packed size in front of the content': [rawZip([{ ...good, local: { compressed: 1 } }]), TWO_SIZES],
  'another CRC in front of the content': [rawZip([{ ...good, local: { crc: 1 } }]), TWO_SIZES],
  'a lying size before a data descriptor': [
    rawZip([{ ...good, flags: 0x0808, local: { crc: 0, compressed: 0, size: 9 } }]),
    TWO_SIZES,
  ],
  'two zip64 sizes': [rawZip([{ ...good, extra: Buffer.concat([zip64Extra(4), zip64Extra(9)]) }]), TWO_SIZES],
  'an end within the comment of the end': [commented(rawZip([good]), rawZip([])), BEFORE],
  'an archive within the comment, with places of its own': [
    commented(rawZip([good]), moved(other, rawZip([good]).length)),
    BEFORE,
  ],
  'an archive behind another, with places of its own': [
    Buffer.concat([rawZip([good]), moved(other, rawZip([good]).length)]),
    BEFORE,
  ],
  'another archive within the comment of the end': [
    commented(rawZip([good]), rawZip([{ name: 'x', data: Buffer.from('x') }])),
    /damaged/,
  ],
  'a whole archive behind another': [
    Buffer.concat([rawZip([good]), rawZip([{ name: 'x', data: Buffer.from('x') }])]),
    /damaged/,
  ],
  'no zip': [Buffer.from('no zip'), /damaged/],
};

const TARS: Readonly<Record<string, Attack>> = {
  ...fromNames((names) => tar([good, ...names.flatMap(paxNamed)])),
  'too many': [tar(many), /at most 10000/],
  'symbolic link': [tar([good, { name: 'l', type: '2', link: '/etc' }]), KIND],
  'hard link': [tar([good, { name: 'l', type: '1', link: '/etc/passwd' }]), KIND],
  'symlink, then a write through it': [
    tar([
      { name: 'd', type: '2', link: '..' },
      { name: 'd/x.onnx', data: 'evil' },
    ]),
    KIND,
  ],
  device: [tar([good, { name: 'null', type: '3' }]), KIND],
  pipe: [tar([good, { name: 'pipe', type: '6' }]), KIND],
  sparse: [
    tar([good, { name: 'pax', type: 'x', data: pax({ 'GNU.sparse.size': '9' }) }, { name: 's' }]),
    /sparse/,
  ],
  'a long name of GNU': [tar([{ name: 'long', type: 'L', data: '../../x.onnx\0' }, good]), PATH],
  'one name for all': [tar([{ name: 'g', type: 'g', data: pax({ path: '../x.onnx' }) }, good]), /one name/],
  'ratio of 1000': [tar([{ name: 'model.onnx', data: zeros }]), MORE],
  'a size beyond the archive': [tar([{ ...good, size: '00077777777\0' }]), MORE],
  'a size in base 256': [tar([{ ...good, size: '\x80\0\0\0\0\0\0\0\0\0\0\x04' }]), /no octal/],
  'a negative size': [tar([{ ...good, size: '-0000000001\0' }]), /no octal/],
  'wrong checksum': [tar([{ ...good, checksum: 1 }]), /checksum/],
  'two names in one extended header': [
    tar([
      { name: 'pax', type: 'x', data: pax({ path: 'a.onnx' }) + pax({ path: 'b.onnx' }).toString() },
      good,
    ]),
    /one thing twice/,
  ],
  'two names in two extended headers': [tar([...paxNamed('a.onnx').slice(0, 1), ...paxNamed('b.onnx')]), TWO],
  'a long name of GNU beside another': [
    tar([{ name: 'long', type: 'L', data: 'a.onnx\0' }, ...paxNamed('b.onnx')]),
    TWO,
  ],
  'a size in an extended header that hides a file': [
    tar([{ name: 'pax', type: 'x', data: pax({ size: '1024' }) }, good, { name: 'x.onnx', data: 'x' }]),
    TWO,
  ],
  'a contiguous file': [tar([{ ...good, type: '7' }]), KIND],
  'a volume label': [tar([{ name: 'v', type: 'V' }, good]), KIND],
  'a file with a slash at its end': [tar([{ name: 'x/', data: 'x' }, good]), PATH],
  'no end': [gzipSync(rawTar([good], Buffer.alloc(0))), /cut off/],
  'something behind the end': [gzipSync(Buffer.concat([rawTar([good]), rawTar([good])])), /follows its end/],
  'cut off': [tar([good]).subarray(0, 40), /damaged/],
  'no gzip': [Buffer.from('no gzip'), /damaged/],
};

function fromNames(make: (names: readonly string[]) => Buffer): Record<string, Attack> {
  const attacks = Object.entries(NAMES).map(
    ([kind, [names, reason]]) => [kind, [make(names), reason]] as const,
  );
  return Object.fromEntries(attacks);
}

/** An archive of one entry whose places are counted from so many bytes before it. */
function moved(zip: Buffer, by: number): Buffer {
  const bytes = Buffer.from(zip);
  const directory = bytes.readUInt32LE(bytes.length - 6);
  bytes.writeUInt32LE(directory + by, bytes.length - 6);
  bytes.writeUInt32LE(by, directory + 42);
  return bytes;
}

/** With a comment behind it, whose length is the truth. */
function commented(zip: Buffer, comment: Buffer): Buffer {
  const bytes = Buffer.concat([zip, comment]);
  bytes.writeUInt16LE(comment.length, zip.length - 2);
  return bytes;
}

function tar(entries: readonly RawTarEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

/** A pax header can name what the fields of a plain one cannot. */
function paxNamed(name: string): RawTarEntry[] {
  return [
    { name: 'pax', type: 'x', data: pax({ path: name }) },
    { name: 'plain', data: 'evil' },
  ];
}

function bombs(count: number): RawZipEntry[] {
  return Array.from({ length: count }, (_, index) => ({ name: `lib ${index}.zip`, data: zeros }));
}

function overlapping(count: number): RawZipEntry[] {
  const first = { name: 'a0', data: Buffer.alloc(50_000, 'abc') };
  return [
    first,
    ...Array.from({ length: count }, (_, index) => ({ ...first, name: `a${index + 1}`, sharesWith: 1 })),
  ];
}

/** S4 of the promises: an archive can't write outside, fill the disk or hide one file behind another. */
describe('S4: archive attacks', () => {
  let sandbox: string;
  const before = process.env['TMPDIR'];

  beforeEach(async () => {
    sandbox = await temporaryFolder('archives-');
    await mkdir(join(sandbox, 'tmp'));
  });
  afterEach(async () => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    await rm(sandbox, { recursive: true, force: true });
  });

  /** @returns undefined where it was unpacked */
  async function refusal(act: Promise<unknown>): Promise<EdgeError | undefined> {
    try {
      await act;
      return undefined;
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.match(error.message, /^Cannot [^\n]+ as [^\n]+[^.\n]$/);
      return error;
    }
  }

  async function unpackZip(
    bytes: Buffer,
    folder = join(sandbox, 'root', 'out'),
  ): Promise<EdgeError | undefined> {
    const archive = join(sandbox, 'code.zip');
    await writeFile(archive, bytes);
    return await refusal(unzip(archive, folder, 0o444));
  }

  async function fetchTar(bytes: Buffer): Promise<EdgeError | undefined> {
    process.env['TMPDIR'] = join(sandbox, 'tmp');
    const optional = ['approvalDescription', 'approvedBy', 'commit', 'repository', 'generatedBy'] as const;
    const none = Object.fromEntries(optional.map((key) => [key, undefined])) as Record<
      (typeof optional)[number],
      undefined
    >;
    const found = { ...none, arn: ARN, approval: 'Approved', dataUrl: 's3://models/model.tar.gz' };
    const registry: ModelRegistry = { registeredModel: () => Promise.resolve(found) };
    const store: Pick<ArtifactStore, 'get'> = { get: () => Promise.resolve(bytes) };
    const fetching = fetchApprovedModel(ARN, registry, store).then(async (model) => {
      assert.equal(await readFile(model.file, 'utf8'), 'onnx');
      await model[Symbol.asyncDispose]();
    });
    return await refusal(fetching);
  }

  for (const [kind, [bytes, reason]] of Object.entries(ZIPS)) {
    it(`a zip is refused before it leaves anything: ${kind}`, async () => {
      const error = await unpackZip(bytes);
      assert.match(error?.message ?? 'it was unpacked', reason);
      const left = await readdir(sandbox, { recursive: true });
      assert.deepEqual(
        left.filter((name) => !['root', 'code.zip', 'tmp'].includes(name)),
        [],
      );
    });
  }

  for (const [kind, [bytes, reason]] of Object.entries(TARS)) {
    it(`a model archive is refused before it leaves anything: ${kind}`, async () => {
      const error = await fetchTar(bytes);
      assert.match(error?.message ?? 'it was unpacked', reason);
      assert.deepEqual(await readdir(sandbox, { recursive: true }), ['tmp']);
    });
  }

  it('a zip that lies about its sizes never fills more than its cap', async () => {
    const bytes = LYING;
    const folder = join(sandbox, 'out');
    await mkdir(folder);
    assert.ok((await unpackZip(bytes, folder)) !== undefined);
    let used = 0;
    for (const name of await readdir(folder)) used += (await readFile(join(folder, name))).length;
    assert.ok(used <= bytes.length * ARCHIVE_LIMITS.maxRatio, `${used} bytes`);
  });

  it('ordinary archives are unpacked', async () => {
    const folder = join(sandbox, 'out');
    const files = [{ name: 'a/' }, { name: 'a/b.txt', data: Buffer.from('b') }, good];
    assert.equal(await unpackZip(rawZip(files), folder), undefined);
    assert.deepEqual((await readdir(folder, { recursive: true })).sort(), ['a', 'a/b.txt', 'model.onnx']);
    const plain = [
      { name: './', type: '5' },
      { name: 'times', type: 'x', data: pax({ mtime: '1.5' }) },
      { name: './code/run.py', data: 'pass' },
      { name: 'long', type: 'L', data: `${'n'.repeat(120)}.txt\0` },
      { name: 'cut', data: 'text' },
      { ...good, name: './model.onnx' },
    ];
    assert.equal(await fetchTar(tar(plain)), undefined);
  });

  it("archives of Python's and GNU's writers are unpacked, streamed ones too", async function () {
    const python = (lines: string): Buffer => execFileSync('python3', ['-c', lines], { maxBuffer: 2 ** 24 });
    const zipped = `import sys, zipfile, io
class Pipe(io.RawIOBase):
    def writable(self): return True
    def write(self, b): return sys.stdout.buffer.write(b)
out = OUT
z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)
z.mkdir('a') if hasattr(z, 'mkdir') else z.writestr('a/', '')
z.writestr('a/b.txt', 'b')
with z.open('model.onnx', 'w', force_zip64=BIG) as f: f.write(b'onnx')
z.close()
if out.__class__ is io.BytesIO: sys.stdout.buffer.write(out.getvalue())`;
    if (spawnSync('python3', ['--version']).status !== 0) return this.skip();
    let made = 0;
    for (const out of ['io.BytesIO()', 'Pipe()'])
      for (const isBig of ['True', 'False']) {
        const folder = join(sandbox, `out ${made++}`);
        const bytes = python(zipped.replace('OUT', out).replace('BIG', isBig));
        assert.equal(await unpackZip(bytes, folder), undefined);
        assert.deepEqual((await readdir(folder, { recursive: true })).sort(), ['a', 'a/b.txt', 'model.onnx']);
      }
    const long = join(sandbox, 'in', 'n'.repeat(70), 'o'.repeat(70));
    await mkdir(long, { recursive: true });
    await writeFile(join(long, 'm\u00fcller.onnx'), 'onnx');
    for (const format of ['ustar', 'gnu', 'pax']) {
      const bytes = execFileSync('tar', [`--format=${format}`, '-cz', '-C', join(sandbox, 'in'), '.']);
      assert.equal(await fetchTar(bytes), undefined, format);
    }
  });

  it(`${MUTATED} damaged archives of each kind are unpacked or refused, and nothing else`, async () => {
    console.log(`      seed ${SEED} (EDGE_MANAGER_SEED)`);
    const random = new SeededRandom(SEED);
    const zip = rawZip([{ name: 'a/b.txt', data: Buffer.from('text') }, good]);
    const plainTar = rawTar([{ name: 'a/b.txt', data: 'text' }, good]);
    let refused = 0;
    for (let round = 0; round < MUTATED; round++) {
      const folder = join(sandbox, 'root', String(round));
      if ((await unpackZip(flipped(zip, random), folder)) !== undefined) refused++;
      const damaged = await fetchTar(gzipSync(flipped(plainTar, random), { level: 0 })).catch(
        (error: unknown) => {
          // A flipped byte of the model itself is found by its digest, not by the archive.
          assert.ok(error instanceof assert.AssertionError);
          return undefined;
        },
      );
      if (damaged !== undefined) refused++;
    }
    const top = (await readdir(sandbox)).sort();
    assert.deepEqual(top, ['code.zip', 'root', 'tmp']);
    assert.ok(refused > MUTATED / 4, `${refused} were refused`);
    const attacks = Object.keys(ZIPS).length + Object.keys(TARS).length;
    reportFaultRow({
      row: 'S4',
      cycles: attacks + 2 * MUTATED,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `${attacks} attacks, all refused; ${2 * MUTATED} mutated archives, none escaped`,
    });
  });
});

function flipped(bytes: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(random.fraction() * copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8));
  return copy;
}
