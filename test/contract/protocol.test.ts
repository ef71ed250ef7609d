import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { asyncApiDocument, CODES, operations } from '../../src/contract/mod.js';
import { validate } from '../../src/core/mod.js';
import { FrameReader } from '../../src/framing/mod.js';
import { FRAMED_PROTOCOL, KIND, PREAMBLE, RequestHead, takenUp } from '../../src/ipc/framed/mod.js';

const root = new URL('../../../', import.meta.url);

describe('the published protocol', () => {
  it('docs/protocol/asyncapi.json is what the code speaks (UPDATE_DOCS=1 writes it)', () => {
    const file = new URL('docs/protocol/asyncapi.json', root);
    const wanted = `${JSON.stringify(asyncApiDocument(), undefined, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(wanted));
  });

  it('names each operation as its key, so that op and topic never disagree', () => {
    for (const [name, operation] of Object.entries(operations)) assert.equal(operation.op, name);
  });

  it('docs/protocol/framed.md shows the bytes of a prediction as they are', () => {
    const text = readFileSync(new URL('docs/protocol/framed.md', root), 'utf8');
    const [, shown = ''] = /## A prediction, byte by byte[^]*?```\n([^]*?)```/.exec(text) ?? [];
    const bytes = shown.split('\n').flatMap((line) => {
      const [, json = '', hex = ''] = /^(\{.*\})?((?: ?[0-9a-f]{2}(?= |$))*)/.exec(line) ?? [];
      return [...Buffer.from(json), ...Buffer.from(hex.replaceAll(' ', ''), 'hex')];
    });
    assert.deepEqual(bytes.slice(0, 8), [...PREAMBLE]);
    const [hello, request, ...more] = new FrameReader(1000).push(Uint8Array.from(bytes.slice(8)));
    assert.deepEqual([hello?.kind, request?.kind, more.length], [KIND.hello, KIND.request, 0]);
    assert.deepEqual(JSON.parse(String(Buffer.from(hello?.metadata ?? []))), { protocol: FRAMED_PROTOCOL });
    const head = validate(
      RequestHead,
      JSON.parse(String(Buffer.from(request?.metadata ?? []))),
      'It is wrong',
    );
    const { inputs } = takenUp(head.body, request?.payload ?? new Uint8Array(0));
    assert.deepEqual(inputs, [
      {
        name: 'x',
        datatype: 'FP32',
        shape: [4],
        bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
      },
    ]);
    assert.equal(shown.includes(`${(request?.payload.length ?? 0) + 144} bytes of body`), true);
  });

  it('docs/errors.md explains each code, and no other', () => {
    const text = readFileSync(new URL('docs/errors.md', root), 'utf8');
    const explained = [...text.matchAll(/^## ([A-Z_]+)$/gm)].map((match) => match[1]);
    assert.deepEqual(new Set(explained), new Set(CODES));
  });
});
