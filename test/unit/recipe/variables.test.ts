import assert from 'node:assert/strict';
import { interpolate, type Variables } from '../../../src/recipe/mod.js';

const variables: Variables = {
  artifactsPath: '/gg/packages/artifacts/a/1.0.0',
  decompressedPath: '/gg/packages/artifacts-unarchived/a/1.0.0',
  workPath: '/gg/work/a',
  kernelRootPath: '/gg',
  thingName: 'Thing1',
  configuration: { port: 300, nested: { 'a/b': true, text: 'it\'s "x" $y' }, list: [1.5] },
  dependencies: {
    other: {
      artifactsPath: '/gg/packages/artifacts/other/2.0.0',
      decompressedPath: '/gg/packages/artifacts-unarchived/other/2.0.0',
      workPath: '/gg/work/other',
      configuration: { key: 'theirs' },
    },
  },
};
const onNucleus = (text: string): string => interpolate(text, variables, 'nucleus').text;
const onLite = (text: string): string => interpolate(text, variables, 'lite').text;

describe('recipe variables', () => {
  const both: readonly [string, string, string][] = [
    ['{artifacts:path}', '/gg/packages/artifacts/a/1.0.0', '/gg/packages/artifacts/a/1.0.0/'],
    [
      '{artifacts:decompressedPath}',
      '/gg/packages/artifacts-unarchived/a/1.0.0',
      '/gg/packages/artifacts-unarchived/a/1.0.0/',
    ],
    ['{work:path}', '/gg/work/a', '/gg/work/a/'],
    ['{kernel:rootPath}', '/gg', '/gg'],
    ['{iot:thingName}', 'Thing1', 'Thing1'],
    ['{configuration:/nested/a~1b}', 'true', 'true'],
    ['{configuration:/port}', '300.0', '300'],
    ['{configuration:/list}', '[1.5]', '[1.5]'],
    ['{configuration:/list/0}', '1.5', '1.5'],
  ];
  for (const [variable, nucleus, lite] of both) {
    it(`fills in ${variable}`, () => {
      assert.equal(onNucleus(`x ${variable} y`), `x ${nucleus} y`);
      assert.equal(onLite(`x ${variable} y`), `x ${lite} y`);
    });
  }

  it('fills in another component of the dependencies on the nucleus only', () => {
    const text = 'a {other:configuration:/key} {other:artifacts:path} b';
    assert.equal(onNucleus(text), 'a theirs /gg/packages/artifacts/other/2.0.0 b');
    assert.deepEqual(interpolate(text, variables, 'lite'), {
      text: 'a ',
      unresolved: ['{other:configuration:/key}'],
    });
    assert.equal(onNucleus('{stranger:work:path}'), '{stranger:work:path}');
  });

  it('leaves a missing configuration value in the text on the nucleus, cuts the script there on lite', () => {
    assert.equal(onNucleus('a {configuration:/x} b'), 'a {configuration:/x} b');
    assert.equal(onLite('a {configuration:/x} b'), 'a ');
  });

  it('leaves shell braces alone on the nucleus, cuts the script there on lite', () => {
    assert.equal(onNucleus('echo ${HOME} b'), 'echo ${HOME} b');
    assert.equal(onLite('echo ${HOME} b'), 'echo $');
  });

  it('gives no JSON for {configuration:/} on the nucleus', () => {
    assert.equal(onNucleus('{configuration:/}'), '{configuration:/}');
    assert.deepEqual(JSON.parse(interpolate('{configuration:/}', variables, 'lite', 'none').text), {
      ...(variables.configuration as object),
    });
  });

  it('escapes for the shell on lite what it fills in', () => {
    assert.equal(onLite('{configuration:/nested/text}'), 'it\'s \\"x\\" \\$y');
    assert.equal(
      interpolate('{configuration:/nested/text}', variables, 'lite', 'single').text,
      "it'\\''s \"x\" $y",
    );
  });
});
