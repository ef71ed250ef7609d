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
def done():
    future = concurrent.futures.Future()
    future.set_result(None)
    return future
class Ipc:
    def __init__(self, **_): pass
    def subscribe_to_topic_async(self, **_): return done(), None
    def close(self):
        events.append("connection is closing")
        return Later("connection closed")
for name in ("awscrt", "awscrt.exceptions", "awsiot", "awsiot.eventstreamrpc", "awsiot.greengrasscoreipc",
             "awsiot.greengrasscoreipc.clientv2", "awsiot.greengrasscoreipc.model"):
    sys.modules[name] = types.ModuleType(name)
class AwsCrtError(Exception): pass
sys.modules["awscrt.exceptions"].AwsCrtError = AwsCrtError
sys.modules["awsiot.eventstreamrpc"].LifecycleHandler = object
sys.modules["awsiot"].greengrasscoreipc = sys.modules["awsiot.greengrasscoreipc"]
sys.modules["awsiot.greengrasscoreipc"].connect = lambda **_: None
for name in ("ConnectionClosedError", "StreamClosedError"):
    setattr(sys.modules["awsiot.eventstreamrpc"], name, type(name, (RuntimeError,), {}))
sys.modules["awsiot.greengrasscoreipc.clientv2"].GreengrassCoreIPCClientV2 = Ipc
sys.modules["awsiot.greengrasscoreipc.model"].BinaryMessage = None
sys.modules["awsiot.greengrasscoreipc.model"].PublishMessage = None
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import connection
connection.prove_identity = lambda component: None
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

  it('closes its connection, and waits for its end', () => {
    assert.deepEqual(python('EdgeManager("com.example.App").close(); print(json.dumps(events))'), [
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

  /** A client whose agent answers as `answer(op, body)` says, and which is asked twice; each line is what it said. */
  const asked = (answer: string, call: string): unknown =>
    python(`
import os, tempfile, errno
folder = tempfile.mkdtemp()
said = []
manager = EdgeManager("com.example.App")
${answer}
def request(op, topic, body, timeout, files=None):
    said.append(op + ("+room" if "outputFile" in body else ""))
    return answer(op, body)
manager._request = request
small, large = ("x", "FP32", [1], bytes(4)), ("x", "FP32", [2500], bytes(10000))
def outcome(inputs):
    try:
        return manager.predict("M", inputs)["outputs"][0]["data"].hex()
    except Exception as e:
        return [type(e).__name__, getattr(e, "reason", None), str(e)]
outcomes = ${call}
left = os.listdir(folder)
import shutil; shutil.rmtree(folder, ignore_errors=True)
print(json.dumps({"outcomes": outcomes, "said": said, "left": left}))`);
  const SERVES = `
def answer(op, body):
    return {"exchangeFolder": folder} if op == "hello" else {"outputs": [{"name": "y", "b64": "AQ=="}]}`;

  it('sends small tensors in the message, and asks for no folder', () => {
    assert.deepEqual(asked(SERVES, '[outcome([small]), outcome([small])]'), {
      outcomes: ['01', '01'],
      said: ['predict', 'predict'],
      left: [],
    });
  });

  it('offers room where the agent says that outputs need it, an older one too', () => {
    for (const reason of ['"OUTPUT_ROOM_TOO_SMALL"', 'None']) {
      const answer = `
from edge_manager import EdgeManagerError
def answer(op, body):
    if op == "hello": return {"exchangeFolder": folder}
    if "outputFile" not in body: raise EdgeManagerError("INVALID_ARGUMENT", "m", "outputFile", reason=${reason})
    return {"outputs": [{"name": "y", "b64": "AQ=="}]}`;
      assert.deepEqual(asked(answer, '[outcome([small]), outcome([small])]'), {
        outcomes: ['01', '01'],
        said: ['predict', 'hello', 'predict+room', 'predict+room'],
        left: [],
      });
    }
  });

  it('says in one sentence that it does not see the folder, and goes on', () => {
    const { outcomes, left } = asked(
      SERVES.replace('folder}', 'folder + "/unseen"}'),
      '[outcome([large]), outcome([small])]',
    ) as { outcomes: [string[], string]; left: string[] };
    assert.deepEqual(outcomes[0].slice(0, 2), ['EdgeManagerError', 'EXCHANGE_FOLDER_UNSEEN']);
    assert.match(outcomes[0][2] ?? '', /does not see the agent's folder; mount/);
    assert.deepEqual([outcomes[1], left], ['01', []]);
  });

  it('leaves no file behind where the folder is full, and goes on', () => {
    const full = `${SERVES}
real = os.pwrite
def pwrite(descriptor, data, offset): raise OSError(errno.ENOSPC, "No space left on device")
def once():
    os.pwrite = pwrite
    first = outcome([large])
    os.pwrite = real
    return [first, outcome([large])]`;
    const { outcomes, left } = asked(full, 'once()') as { outcomes: [string[], string]; left: string[] };
    assert.deepEqual(outcomes[0].slice(0, 2), ['EdgeManagerError', 'EXCHANGE_FULL']);
    assert.deepEqual([outcomes[1], left], ['01', []]);
  });

  it('says hello again where its folder has gone', () => {
    assert.deepEqual(
      asked(SERVES, '[outcome([large]), setattr(manager, "_folder", folder + "/gone"), outcome([large])]'),
      { outcomes: ['01', null, '01'], said: ['hello', 'predict+room', 'hello', 'predict+room'], left: [] },
    );
  });

  it('repeats with another folder where the agent knows its own no more', () => {
    const answer = `
from edge_manager import EdgeManagerError
refusals = [EdgeManagerError("INVALID_ARGUMENT", "m", "inputs[0].file", reason="EXCHANGE_FOLDER_UNKNOWN")]
def answer(op, body):
    if op == "hello": return {"exchangeFolder": folder}
    if refusals: raise refusals.pop()
    return {"outputs": [{"name": "y", "b64": "AQ=="}]}`;
    assert.deepEqual(asked(answer, '[outcome([large])]'), {
      outcomes: ['01'],
      said: ['hello', 'predict+room', 'hello', 'predict+room'],
      left: [],
    });
  });

  /** A client of which each message that goes out is what `publish(message)` makes of it; `reply(message)` answers. */
  const sent = (publish: string, act: string): unknown =>
    python(`
import edge_manager
from connection import NotConnected
manager = EdgeManager("com.example.App")
messages = []
def hear(message): manager._on_reply(types.SimpleNamespace(binary_message=types.SimpleNamespace(message=json.dumps(message))))
def reply(message, **said): hear({"v": 1, "id": message["id"], **(said or {"ok": True, "body": {"status": "SUCCESS"}})})
def returned(): hear({"v": 1, "id": "agent:returned", "ok": True, "body": {}})
${publish}
def out(topic, data):
    messages.append(json.loads(data))
    publish(messages[-1])
manager._ipc.publish = out
# Nothing is sent again because time has passed.
real = threading.Event.wait
threading.Event.wait = lambda self, timeout=None: real(self, max(timeout, 60.0) if timeout == 2.0 else timeout)
${act}`);

  it('sends again as soon as the agent says that it is back, with the same id', () => {
    const publish = `
def publish(message):
    if len(messages) == 1: threading.Timer(0.05, returned).start()
    else: reply(message)`;
    const act = `
status = manager.capture_status("c", timeout=70.0)["status"]
print(json.dumps([status, len(messages), len({m["id"] for m in messages})]))`;
    assert.deepEqual(sent(publish, act), ['SUCCESS', 2, 1]);
  });

  it('waits for the connection within its time, and says so where it does not come back', () => {
    const publish = `
def publish(message):
    if len(messages) < 3 or message["body"]["captureId"] == "late": raise NotConnected("It is away")
    reply(message)`;
    const act = `
status = manager.capture_status("c", timeout=30.0)["status"]
try: manager.capture_status("late", timeout=0.3)
except edge_manager.EdgeManagerError as e: print(json.dumps([status, e.code, e.reason, str(e)]))`;
    assert.deepEqual(sent(publish, act), [
      'SUCCESS',
      'UNAVAILABLE',
      'CONNECTION_LOST',
      "UNAVAILABLE: The connection to Greengrass did not come back for 'captureStatus' within 0.3 s",
    ]);
  });

  it('asks an agent that is stopping again, and a prediction with the same capture id', () => {
    const publish = `
def publish(message):
    if len(messages) == 1: reply(message, ok=False, error={"code": "UNAVAILABLE", "reason": "AGENT_STOPPING", "message": "m"})
    else: reply(message, ok=True, body={"outputs": []})`;
    const act = `
manager.predict("M", [("x", "FP32", [1], bytes(4))], timeout=30.0)
print(json.dumps([len({m["id"] for m in messages}), len({m["body"]["captureId"] for m in messages})]))`;
    assert.deepEqual(sent(publish, act), [2, 1]);
  });
});
