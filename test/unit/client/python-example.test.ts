import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../examples/python', import.meta.url));

/** Twins of what the example takes from the device SDK, whose streams close a moment after they were asked to. */
const SDK = `
import concurrent.futures, json, sys, threading, types
events = []
class Later(concurrent.futures.Future):
    def __init__(self, name):
        super().__init__()
        threading.Timer(0.05, lambda: (events.append(name), self.set_result(None))).start()
class Subscription:
    def close(self): return Later("stream closed")
class Ipc:
    def subscribe_to_topic(self, **_): return None, Subscription()
    def close(self):
        events.append("connection is closing")
        return Later("connection closed")
for name in ("awsiot", "awsiot.greengrasscoreipc", "awsiot.greengrasscoreipc.clientv2", "awsiot.greengrasscoreipc.model"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["awsiot.greengrasscoreipc.clientv2"].GreengrassCoreIPCClientV2 = Ipc
sys.modules["awsiot.greengrasscoreipc.model"].BinaryMessage = None
sys.modules["awsiot.greengrasscoreipc.model"].PublishMessage = None
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from edge_manager import EdgeManager, error_of
`;

function python(script: string): unknown {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', `${SDK}${script}`, folder], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

describe('the Python example, without its SDK', function () {
  before(function () {
    if (spawnSync('python3', ['--version']).status !== 0) this.skip();
  });

  it('closes its stream before the connection, and waits for both', () => {
    assert.deepEqual(python('EdgeManager("com.example.App").close(); print(json.dumps(events))'), [
      'stream closed',
      'connection is closing',
      'connection closed',
    ]);
  });

  it('tells the reason of an error, or its code where an older agent names none', () => {
    const script = `
errors = [error_of({"code": "RESOURCE_EXHAUSTED", "reason": "QUEUE_FULL", "message": "m", "retryAfterMs": 7}),
          error_of({"code": "NOT_FOUND", "message": "m"})]
print(json.dumps([[e.code, e.reason, e.retry_after_ms] for e in errors]))`;
    assert.deepEqual(python(script), [
      ['RESOURCE_EXHAUSTED', 'QUEUE_FULL', 7],
      ['NOT_FOUND', 'NOT_FOUND', null],
    ]);
  });
});
