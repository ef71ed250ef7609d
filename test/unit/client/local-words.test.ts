import assert from 'node:assert/strict';
import { runLocalCommand } from '../../../src/client/local/mod.js';

async function run(...args: string[]): Promise<{ code: number; errors: string }> {
  const lines: string[] = [];
  const code = await runLocalCommand(args, { out: () => undefined, error: (line) => void lines.push(line) });
  return { code, errors: lines.join('\n') };
}

describe('a local command', () => {
  const ignored: readonly (readonly [readonly string[], RegExp])[] = [
    [['load', 'Defects', '2.0.0'], /'2.0.0' is one word too many\nNext: Give a version by --version 2.0.0/],
    [['unload', 'Defects', '2.0.0'], /one word too many/],
    [['describe', 'Defects', '2.0.0'], /one word too many/],
    [['list', 'Defects'], /takes no name: 'Defects' is one word too many/],
    [['list', '--version', '1.0.0'], /it takes no --version/],
    [['unload', 'Defects', '--path', '/x'], /it takes no --path/],
    [['stats', '--label', 'stable'], /it takes no --label/],
    [['predict', 'Defects', '--inputs', 'x.json', '--pin'], /it takes no --pin/],
  ];
  for (const [args, sentence] of ignored) {
    it(`refuses what it would ignore: ${args.join(' ')}`, async () => {
      const { code, errors } = await run(...args, '--work', '/nowhere');
      assert.equal(code, 1);
      assert.match(errors, /INVALID_ARGUMENT: Cannot run/);
      assert.match(errors, sentence);
    });
  }

  it('goes on to the agent where it reads all that was given', async () => {
    const { errors } = await run('load', 'Defects', '--version', '2.0.0', '--work', '/nowhere', '--json');
    assert.doesNotMatch(errors, /INVALID_ARGUMENT: Cannot run/);
  });
});
