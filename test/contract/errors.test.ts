import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CODES, REASONS, reasonOf, type ErrorBody, type Reason } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { decodeReply, encodeMessage, fromErrorBody, toErrorBody } from '../../src/ipc/codec.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** A reason that equals its code says no more than the code. */
const fine = (Object.keys(REASONS) as Reason[]).filter((reason) => reason !== REASONS[reason]);

describe('the catalogue of errors', () => {
  it('docs/errors.md explains each reason under its code, and no other', () => {
    const page = readFileSync(`${root}docs/errors.md`, 'utf8');
    const explained = page.split(/^## /m).flatMap((section) => {
      const code = section.slice(0, section.indexOf('\n'));
      return [...section.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => `${match[1]} of ${code}`);
    });
    assert.deepEqual(
      explained.toSorted(),
      fine.map((reason) => `${reason} of ${REASONS[reason]}`).toSorted(),
    );
  });

  it('docs/errors.md says of each reason when it comes and what to do', () => {
    const page = readFileSync(`${root}docs/errors.md`, 'utf8');
    for (const [, reason, when, next] of page.matchAll(/^\| `([A-Z_]+)` *\|([^|]*)\|([^|]*)\|$/gm)) {
      assert.ok((when ?? '').trim().length > 10, `${reason} says when`);
      assert.ok((next ?? '').trim().length > 5, `${reason} says what to do`);
    }
    assert.equal([...page.matchAll(/^\| `([A-Z_]+)` *\|[^|]*\|[^|]*\|$/gm)].length, fine.length);
  });

  it('each reason is given by some code', () => {
    const files = ['src', 'deploy'].flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|py)$/.test(name))
        .map((name) => `${folder}/${name}`),
    );
    // The lists of them give none.
    const lists = ['src/contract/codes/reasons.ts', 'src/runtime/host/python/protocol.py'];
    const given = new Set(
      files
        .filter((file) => !lists.includes(file))
        .flatMap((file) => [
          ...readFileSync(`${root}${file}`, 'utf8').matchAll(/['"]([A-Z]+(?:_[A-Z]+)*)['"]/g),
        ])
        .map((match) => match[1]),
    );
    assert.deepEqual(
      fine.filter((reason) => !given.has(reason)),
      [],
    );
  });

  it('each code has a general reason of its own name', () => {
    for (const code of CODES) assert.equal(REASONS[code], code);
  });
});

describe('an error on the wire', () => {
  const received = (error: object): EdgeError => {
    const reply = decodeReply(encodeMessage({ v: 1, id: 'a', ok: false, error }));
    assert.ok(!reply.ok);
    return fromErrorBody(reply.error as ErrorBody);
  };

  it('carries code, reason, field and time to wait', () => {
    const sent = new EdgeError('QUEUE_FULL', 'Cannot queue the request', {
      field: 'inputs',
      retryAfterMs: 7,
    });
    const { code, reason, message, field, retryAfterMs } = received(toErrorBody(sent));
    assert.deepEqual(
      { code, reason, message, field, retryAfterMs },
      {
        code: 'RESOURCE_EXHAUSTED',
        reason: 'QUEUE_FULL',
        message: 'Cannot queue the request',
        field: 'inputs',
        retryAfterMs: 7,
      },
    );
  });

  it('of an older agent, which says no reason, has the one of its code', () => {
    assert.equal(received({ code: 'NOT_FOUND', message: 'Cannot find it' }).reason, 'NOT_FOUND');
  });

  it('of a newer agent, whose reason is unknown here, has the one of its code', () => {
    const error = received({ code: 'UNAVAILABLE', reason: 'MOON_ECLIPSED', message: 'Cannot see' });
    assert.equal(error.reason, 'UNAVAILABLE');
    assert.equal(error.code, 'UNAVAILABLE');
  });

  it('keeps its code where the reason belongs to another one', () => {
    assert.equal(received({ code: 'INTERNAL', reason: 'QUEUE_FULL', message: 'x' }).code, 'INTERNAL');
    assert.equal(reasonOf('INTERNAL', 'constructor'), 'INTERNAL');
  });
});
