import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { MESSAGES, type FieldRule } from '../../../src/onnx/mod.js';

/** Field numbers, and whether each is repeated, of every message of ONNX's own description. */
const DESCRIBE = `
import json, onnx
from onnx import onnx_ml_pb2 as pb
found = {}
def walk(message):
    name = message.full_name
    if name in found: return
    found[name] = {}
    for field in message.fields:
        inner = field.message_type
        repeated = field.is_repeated if hasattr(field, 'is_repeated') else field.label == 3
        found[name][field.number] = [field.name, inner.full_name if inner else None, bool(repeated)]
        if inner: walk(inner)
walk(pb.ModelProto.DESCRIPTOR)
print(json.dumps(found))
`;

type Described = Record<string, Record<string, [name: string, message: string | null, repeated: boolean]>>;

function describedByPython(): Described | undefined {
  try {
    const text = execFileSync('python3', ['-c', DESCRIBE], { stdio: ['ignore', 'pipe', 'ignore'] });
    return JSON.parse(text.toString()) as Described;
  } catch {
    return undefined;
  }
}

describe('the table of messages', () => {
  it('has every field of ONNX’s own description', function () {
    const described = describedByPython();
    if (described === undefined) {
      console.log('    skipped: python3 has no package onnx to compare with');
      this.skip();
    }
    const seen = new Set<string>();
    const compare = (theirs: string, ours: keyof typeof MESSAGES): void => {
      if (seen.has(theirs)) return;
      seen.add(theirs);
      for (const [number, [name, message, repeated]] of Object.entries(described[theirs] ?? {})) {
        const rule: FieldRule | undefined = MESSAGES[ours][Number(number)];
        assert.ok(rule !== undefined, `${theirs}.${name} = ${number} is missing`);
        assert.deepEqual([rule.name, rule.repeated], [name, repeated]);
        if (message === null) continue;
        assert.ok(rule.kind in MESSAGES, `${theirs}.${name} is a message`);
        compare(message, rule.kind as keyof typeof MESSAGES);
      }
    };
    compare('onnx.ModelProto', 'Model');
    assert.ok(seen.size >= 20, `${seen.size} messages`);
  });
});
