import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { AgentBench } from '../lib/agent-process.js';
import { writeTestPackage } from '../lib/model-hosts.js';
import { identityModel } from '../lib/onnx-builder.js';
import { until } from '../lib/until.js';

/** Says what it found as JSON, a line for each line of its input. */
const APP = `
import concurrent.futures, json, os, struct, sys, threading
sys.dont_write_bytecode = True
if sys.argv[2] == "plain": sys.modules["numpy"] = None
from edge_manager_endpoint import EdgeManagerEndpoint, EdgeManagerError, Tensor, numpy
manager = EdgeManagerEndpoint(sys.argv[1], name="python", timeout=60.0)
def floats(values):
    return Tensor("FP32", [len(values)], struct.pack(f"<{len(values)}f", *values)) if numpy is None else numpy.array(values, "float32")
def back(value):
    return list(struct.unpack(f"<{len(value.data) // 4}f", value.data)) if numpy is None else value.tolist()
def echo(values, **more):
    return back(manager.predict("Echo", {"x": floats(values)}, **more).outputs["y"])
def reason(act):
    try: act()
    except EdgeManagerError as error: return error.reason
def small():
    first = manager.predict("Echo", {"x": floats([1.0, 2.0])}, capture="always")
    # The host says what it sampled after its answer.
    status = "UNKNOWN"
    while status in ("UNKNOWN", "PENDING"): status = manager.capture_status(first.capture_id)["state"]
    return [back(first.outputs["y"]), first.version, status]
def large():
    values = [float(index % 1000) for index in range(150_000)]
    folder = manager.hello()["exchangeFolder"]
    equal = [echo(values) == values for _ in range(3)]
    return [equal, len(os.listdir(folder))]
def inline():
    """As in a container that does not see the folder."""
    manager._connection.folder = "/nonexistent/edgemanager"
    values = [float(index % 1000) for index in range(150_000)]
    real = manager._folder_of
    manager._folder_of = lambda connection, deadline: "/nonexistent/edgemanager"
    try: return [echo(values) == values, echo(values) == values]
    finally:
        manager._folder_of = real
        manager._is_folderless = False
def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return all(pool.map(lambda index: echo([float(index)]) == [float(index)], range(200)))
def wrapped():
    """As after months: an id has 32 bits."""
    with EdgeManagerEndpoint(sys.argv[1]) as old:
        old._counter = 2**32 - 2
        return [len(old.list_models()) for _ in range(3)]
def captured():
    reply = manager.capture("Echo", inputs={"x": floats([1.0])}, capture_id="mine")
    return [reply["captureId"], manager.capture_status("mine")["state"]]
def told():
    models = [[model["name"], model["version"]] for model in manager.list_models()]
    described = manager.describe_model("Echo")["inputs"][0]["name"]
    return [models, described, manager.stats("Echo")["models"][0]["name"]]
def refusals():
    return [
        reason(lambda: manager.predict("Nothing", {"x": floats([1.0])})),
        reason(lambda: manager.predict("Echo", {"wrong": floats([1.0])})),
        reason(lambda: manager.unload("Echo")),
        reason(lambda: EdgeManagerEndpoint("/nonexistent.sock", timeout=0.2).list_models()),
    ]
def closed():
    waiting = EdgeManagerEndpoint(sys.argv[1])
    waiting.list_models()
    waiting.close()
    return reason(waiting.list_models)
for line in sys.stdin:
    try: said = globals()[line.strip()]()
    except Exception as error: said = repr(error)
    print(json.dumps(said), flush=True)
manager.close()
`;

class PythonApp implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #errors = '';

  constructor(python: string, socket: string, form: string) {
    this.#child = spawn(python, ['-c', APP, socket, form], {
      env: { PATH: process.env['PATH'] ?? '', PYTHONPATH: join(ROOT, 'examples', 'python') },
    });
    let held = '';
    this.#child.stdout.on('data', (chunk: Buffer) => {
      const parts = `${held}${chunk.toString()}`.split('\n');
      held = parts.pop() ?? '';
      this.#lines.push(...parts);
    });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
  }

  async say(word: string): Promise<unknown> {
    const before = this.#lines.length;
    this.#child.stdin.write(`${word}\n`);
    await until(() => this.#lines.length > before || this.#child.exitCode !== null, `it answers '${word}'`);
    assert.equal(this.#errors, '');
    return JSON.parse(this.#lines[before] ?? 'null');
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    assert.deepEqual(await exited, [0, null], this.#errors);
    assert.equal(this.#errors, '', 'it ends without a traceback');
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

function pythonWith(module: string): string | undefined {
  const probe = spawnSync('python3', ['-c', `import ${module}, sys; print(sys.executable)`], {
    encoding: 'utf8',
  });
  if (probe.status === 0) return probe.stdout.trim();
  console.log(`      skipped: python3 ${module === 'sys' ? '' : `with ${module} `}is not installed`);
  return undefined;
}

describe('the Python client of the local endpoint', function () {
  let bench: AgentBench;
  before(async () => {
    bench = await AgentBench.create({ configuration: { endpoint: {}, capture: { policies: [] } } });
    await bench.start();
    const spec = (name: string) => ({ name, datatype: 'FP32' as const, shape: ['n'] });
    const model = identityModel('FP32', ['n']);
    const echo = { name: 'Echo', model, inputs: [spec('x')], outputs: [spec('y')] };
    const folder = await writeTestPackage(bench.root, echo);
    const { code, output } = await bench.register(folder, 'org.edgemanager.model.Echo');
    assert.equal(code, 0, output);
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
  });
  const open = (python: string, form: string): PythonApp =>
    new PythonApp(python, join(bench.workFolder, 'endpoint.sock'), form);

  it('does with the real agent what it promises, and comes back where that was killed', async function () {
    const python = pythonWith('sys') ?? this.skip();
    using app = open(python, 'plain');
    const [values, version, state] = (await app.say('small')) as [number[], string, string];
    assert.deepEqual([values, version], [[1, 2], '1.0.0']);
    assert.match(state, /SPOOLED|UPLOADED/);
    assert.deepEqual(await app.say('large'), [[true, true, true], 1], 'by one file, used again');
    assert.deepEqual(await app.say('inline'), [true, true]);
    assert.equal(await app.say('threads'), true);
    assert.deepEqual(await app.say('wrapped'), [1, 1, 1], 'ids begin again behind the last one');
    assert.deepEqual(await app.say('captured'), ['mine', 'SPOOLED']);
    assert.deepEqual(await app.say('told'), [[['Echo', '1.0.0']], 'x', 'Echo']);
    const refusals = ['MODEL_NOT_FOUND', 'TENSOR_INVALID', 'ENDPOINT_REFUSED', 'CONNECTION_LOST'];
    assert.deepEqual(await app.say('refusals'), refusals);
    assert.equal(await app.say('closed'), 'CLOSED');
    process.kill(await bench.controlPid(), 'SIGKILL');
    assert.deepEqual(await app.say('large'), [[true, true, true], 1]);
    await app.end();
  });

  it('takes and gives arrays where numpy is installed', async function () {
    const python = pythonWith('numpy') ?? this.skip();
    using app = open(python, 'numpy');
    assert.deepEqual(((await app.say('small')) as unknown[])[0], [1, 2]);
    assert.deepEqual(await app.say('large'), [[true, true, true], 1]);
    assert.equal(await app.say('threads'), true);
    await app.end();
  });
});
