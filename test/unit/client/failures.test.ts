import assert from 'node:assert/strict';
import { runCli } from '../../lib/cli.js';

interface Document {
  readonly error: { readonly code: string; readonly reason: string; readonly message: string };
}

describe('a command that fails', () => {
  for (const [args, reason] of [
    [['inspect', '/nowhere', '--json'], 'FILE_NOT_FOUND'],
    [['local', 'list', '--work', '/nowhere', '--json'], 'AGENT_UNREACHABLE'],
  ] as const) {
    it(`under --json prints one document with code and reason (${args[0]})`, async () => {
      const { code, out, error } = await runCli(args);
      assert.equal(code, 1);
      assert.equal(out, '');
      assert.equal((JSON.parse(error) as Document).error.reason, reason);
    });
  }

  it('prints a sentence and the next step otherwise', async () => {
    const { error } = await runCli(['inspect', '/nowhere']);
    assert.match(error, /^NOT_FOUND: Cannot inspect .*\nNext: Give an ONNX file/);
  });
});
