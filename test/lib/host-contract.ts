import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATATYPES, type Datatype, type Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { encodeFrame } from '../../src/framing/mod.js';
import { decodeCaptured, KIND } from '../../src/runtime/host/protocol/mod.js';
import { encodeStrings, tensorByteSize } from '../../src/tensor/mod.js';
import { bytesOf, HostPeer, type HostProgram } from './host-peer.js';
import type { TestPackage } from './model-hosts.js';
import { identityModel, node, onnxModel } from './onnx-builder.js';
import { logPackage, loopPackage, widePackage } from './test-models.js';
import { floats, tensorOf } from './tensors.js';

/** A host that shall keep to docs/protocol/host.md. */
export interface ContractHost {
  readonly program: HostProgram;
  /** The member of `load` that names the package (`package` or `verified`), which is written into the folder. */
  readonly load: (folder: string, fixture: TestPackage) => Promise<object>;
}

/** What a client may rely on of any model host, whatever it is written in. Call it within a `describe`. */
export function keepsTheHostContract(made: () => Promise<ContractHost>): void {
  let folder = '';
  let host: ContractHost;
  let peer: HostPeer;
  let handles = 0;
  const load = async (fixture: TestPackage, more: object = {}): Promise<number> => {
    const handle = ++handles;
    const key = `${fixture.name}@1.0.0`;
    const named = await host.load(join(folder, `packages-${handle}`), fixture);
    await peer.ask(KIND.load, { handle, key, onlyConfined: false, allowSpinning: false, ...named, ...more });
    return handle;
  };

  before(async () => {
    host = await made();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-contract-'));
    peer = new HostPeer(host.program);
  });
  afterEach(async () => {
    await peer[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('says hello, with what it is, before anything else', async () => {
    const hello = await peer.greet();
    assert.match(JSON.stringify(hello['protocol']), /^"1\.\d+"$/);
    for (const field of ['engine', 'engineVersion', 'language'])
      assert.match(JSON.stringify(hello[field]), /^"./, field);
    assert.ok(Array.isArray(hello['providers']) && hello['providers'].includes('CPUExecutionProvider'));
    assert.match(JSON.stringify(hello['captures']), /^"(host|control)"$/);
    assert.deepEqual(hello['confinement'], { phrase: 'none: started without its launcher', isHeld: false });
  });

  it('ends with a sentence where the other side has another major version, or what it writes is no frame', async () => {
    peer.write(peer.control(KIND.hello, 0, { protocol: '2.0', limits: { frameBytes: 2 ** 26 } }));
    assert.equal(await peer.exitCode(), 2);
    assert.match(peer.errors, /2\.0/);
    await using other = new HostPeer(host.program);
    await other.greet();
    other.write(Buffer.alloc(64, 0xa5));
    assert.equal(await other.exitCode(), 2);
    assert.notEqual(other.errors, '');
  });

  it('ends where its channel ends, and after all answers where it is told to stop', async () => {
    await using other = new HostPeer(host.program);
    await other.greet();
    other.end();
    assert.equal(await other.exitCode(), 0);
    await peer.greet();
    const ids = [peer.id(), peer.id()];
    peer.write(...ids.map((id) => peer.control(KIND.drain, id)), peer.control(KIND.stop, 0));
    for (const id of ids) assert.deepEqual(await peer.done(id), {});
    assert.equal(await peer.exitCode(), 0);
  });

  it('loads, runs, unloads, and knows a model no more then', async () => {
    await peer.greet();
    const handle = await load(identity('FP32'));
    const { outputs, runMs, nonFinite, captured } = await peer.predict({
      handle,
      inputs: [floats('x', [1, 2])],
    });
    assert.deepEqual(outputs.map(bytesOf), [floats('y', [1, 2])]);
    assert.ok(runMs >= 0);
    assert.deepEqual([nonFinite, captured], [false, 'no']);
    assert.deepEqual(await peer.ask(KIND.unload, { handle }), {});
    assert.deepEqual(await peer.ask(KIND.unload, { handle: 77 }), {});
    await refused(peer.predict({ handle, inputs: [floats('x', [1, 2])] }), 'MODEL_HOST_DIED');
    assert.ok(Number((await peer.ask(KIND.memory))['deviceBytes']) >= 0);
  });

  it('carries each datatype as it is, empty tensors and texts among them', async () => {
    await peer.greet();
    for (const datatype of DATATYPES) {
      const handle = await load(identity(datatype));
      for (const sent of [valuesOf(datatype), emptyOf(datatype)]) {
        const { outputs } = await peer.predict({ handle, inputs: [sent] });
        assert.deepEqual(outputs.map(bytesOf), [{ ...sent, name: 'y' }], datatype);
      }
    }
  });

  it('answers each request once, in their order, however the stream cuts them', async () => {
    await peer.greet();
    const handle = await load(identity('FP32'));
    const ids = Array.from({ length: 30 }, () => peer.id());
    const bytes = Buffer.concat(
      ids.map((id) =>
        id % 5 === 0 ? peer.control(KIND.drain, id) : peer.run(id, { handle, inputs: [floats('x', [id])] }),
      ),
    );
    for (let at = 0; at < bytes.length; at += 97) {
      peer.write(bytes.subarray(at, at + 97));
      if (at % (97 * 5) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const id of ids) {
      if (id % 5 === 0) assert.deepEqual(await peer.done(id), {});
      else assert.deepEqual((await peer.result(id)).outputs.map(bytesOf), [floats('y', [id])]);
    }
  });

  it('takes inputs of four megabytes inline, and gives them back', async () => {
    await peer.greet();
    const handle = await load(identity('FP32'));
    const sent = floats(
      'x',
      Array.from({ length: 2 ** 20 }, (_, index) => index),
    );
    const { outputs } = await peer.predict({ handle, inputs: [sent], maxInlineBytes: 2 ** 23 });
    assert.ok(Buffer.from(bytesOf(outputs[0]).data).equals(Buffer.from(sent.data)));
  });

  it('skips what was cancelled, or is late when its turn comes, and goes on', async () => {
    await peer.greet();
    const handle = await load(loopPackage());
    const trips = (count: bigint): Tensor => tensorOf('trips', 'INT64', [], BigInt64Array.of(count));
    const inputs = (count: bigint): Tensor[] => [floats('x', [1]), trips(count)];
    const [first, cancelled, late, last] = [peer.id(), peer.id(), peer.id(), peer.id()];
    peer.write(
      peer.run(first, { handle, inputs: inputs(100_000n) }),
      peer.run(cancelled, { handle, inputs: inputs(10n ** 15n) }),
      peer.run(late, { handle, inputs: inputs(10n ** 15n), deadlineUs: 1 }),
      peer.control(KIND.cancel, cancelled),
      peer.control(KIND.cancel, 4711),
      peer.run(last, { handle, inputs: inputs(1n) }),
    );
    await peer.result(first);
    assert.equal((await peer.failed(cancelled)).reason, 'CLOSED');
    assert.equal((await peer.failed(late)).reason, 'DEADLINE_BEFORE_RUN');
    await peer.result(last);
  });

  it('refuses inputs that the model does not have, by the field', async () => {
    await peer.greet();
    const handle = await load({ ...identity('FP32'), ...shaped(['n', 2]) });
    const fine = { ...floats('x', [1, 2]), shape: [1, 2] };
    await peer.predict({ handle, inputs: [fine] });
    const cases: readonly (readonly [Tensor[], string])[] = [
      [[{ ...fine, name: 'z' }], 'inputs[0].name'],
      [[{ ...fine, datatype: 'INT32' }], 'inputs[0].datatype'],
      [[{ ...fine, shape: [2, 1] }], 'inputs[0].shape'],
      [[{ ...fine, shape: [2] }], 'inputs[0].shape'],
      [[{ ...fine, shape: [2, 2] }], 'inputs[0]'],
      [[fine, fine], 'inputs[1].name'],
      [[], 'inputs'],
    ];
    for (const [inputs, field] of cases)
      await refused(peer.predict({ handle, inputs }), 'TENSOR_INVALID', field);
    await peer.predict({ handle, inputs: [fine] });
  });

  it('answers the outputs that are wanted, in that order, and none to whom none is wanted', async () => {
    await peer.greet();
    const handle = await load(twins());
    const inputs = [floats('x', [3])];
    const named = async (outputs?: string[], blind = false): Promise<string[]> => {
      const order = {
        handle,
        inputs,
        ...(outputs === undefined ? {} : { outputs }),
        ...(blind ? { blind } : {}),
      };
      return (await peer.predict(order)).outputs.map(({ name }) => name);
    };
    assert.deepEqual(await named(), ['y', 'z']);
    assert.deepEqual(await named(['z', 'y']), ['z', 'y']);
    assert.deepEqual(await named(['z']), ['z']);
    assert.deepEqual(await named(undefined, true), []);
    await refused(peer.predict({ handle, inputs, outputs: ['w'] }), undefined);
  });

  it('says where an output is not finite and no input was', async () => {
    await peer.greet();
    const handle = await load(logPackage());
    for (const [value, wanted] of [
      [1, false],
      [-1, true],
      [Number.NaN, false],
    ] as const)
      assert.equal((await peer.predict({ handle, inputs: [floats('x', [value])] })).nonFinite, wanted);
  });

  it("reads and writes files of the caller's folder, and no others", async () => {
    await peer.greet();
    const handle = await load(identity('FP32'));
    const exchangeFolder = join(folder, 'exchange');
    await mkdir(exchangeFolder);
    const sent = floats('x', [5, 6]);
    await writeFile(join(exchangeFolder, 'in'), Buffer.concat([Buffer.alloc(4), sent.data]));
    await writeFile(join(exchangeFolder, 'out'), Buffer.alloc(24));
    await symlink(join(exchangeFolder, 'in'), join(exchangeFolder, 'link'));
    const { data: _data, ...form } = sent;
    const file = { name: 'in', offset: 4, byteSize: 8 };
    const order = { handle, inputs: [{ ...form, file }], exchangeFolder, maxInlineBytes: 0 };
    const outputFile = { name: 'out', offset: 8, byteSize: 8 };
    const { outputs } = await peer.predict({ ...order, outputFile });
    assert.deepEqual(outputs, [{ ...form, name: 'y', file: outputFile }]);
    const written = await readFile(join(exchangeFolder, 'out'));
    assert.deepEqual(written, Buffer.concat([Buffer.alloc(8), sent.data, Buffer.alloc(8)]));
    for (const name of ['missing', 'link', '../exchange/in'])
      await refused(
        peer.predict({ ...order, inputs: [{ ...form, file: { ...file, name } }], outputFile }),
        'EXCHANGE_FILE_REFUSED',
        'inputs[0].file',
      );
    const beyond = { ...file, offset: 8 };
    await refused(
      peer.predict({ ...order, inputs: [{ ...form, file: beyond }], outputFile }),
      'EXCHANGE_FILE_REFUSED',
    );
    const small = { ...outputFile, byteSize: 7 };
    await refused(peer.predict({ ...order, outputFile: small }), undefined, undefined, /outputFile/);
    const { exchangeFolder: _folder, ...without } = order;
    await refused(peer.predict({ ...without, outputFile }), 'EXCHANGE_FOLDER_UNKNOWN');
  });

  it('refuses a run whose outputs have no room, before and after it', async () => {
    await peer.greet();
    const wide = await load(widePackage(5000));
    await refused(
      peer.predict({ handle: wide, inputs: [floats('x', [1])] }),
      'OUTPUT_ROOM_TOO_SMALL',
      'outputFile',
    );
    await peer.predict({ handle: wide, inputs: [floats('x', [1])], blind: true });
    const open = await load(identity('FP32'));
    const inputs = [
      floats(
        'x',
        Array.from({ length: 2000 }, () => 1),
      ),
    ];
    await refused(peer.predict({ handle: open, inputs }), 'OUTPUT_ROOM_TOO_SMALL', 'outputFile');
    // Its bytes, those of its name, and 64.
    await refused(peer.predict({ handle: open, inputs, maxInlineBytes: 8064 }), 'OUTPUT_ROOM_TOO_SMALL');
    await peer.predict({ handle: open, inputs, maxInlineBytes: 8065 });
  });

  it('sends the record of a run behind its answer, and before any other, where it samples itself', async function () {
    const { captures } = await peer.greet();
    if (captures !== 'host') this.skip();
    const handle = await load(identity('FP32'));
    const ids = [peer.id(), peer.id()];
    const capture = (id: number, mode: 'always' | 'never') =>
      ({ mode, captureId: `capture-${id}`, clockSynchronised: true }) as const;
    for (const id of ids)
      peer.write(peer.run(id, { handle, inputs: [floats('x', [id])], capture: capture(id, 'always') }));
    const unsampled = peer.id();
    peer.write(
      peer.run(unsampled, { handle, inputs: [floats('x', [0])], capture: capture(unsampled, 'never') }),
    );
    for (const id of ids) {
      assert.equal((await peer.result(id)).captured, 'yes');
      const frame = await peer.next();
      assert.deepEqual([frame.kind, frame.id], [KIND.captured, 0]);
      const record = decodeCaptured(frame);
      assert.deepEqual([record.captureId, record.clockSynchronised], [`capture-${id}`, true]);
      assert.deepEqual([record.inputs, record.outputs].flat().map(bytesOf), [
        floats('x', [id]),
        floats('y', [id]),
      ]);
    }
    assert.equal((await peer.result(unsampled)).captured, 'no');
    await peer.ask(KIND.drain);
  });

  it('loads nothing where it must be confined and is not, and goes on', async () => {
    await peer.greet();
    await refused(load(identity('FP32'), { onlyConfined: true }), 'HOST_UNCONFINED');
    await load(identity('FP32'));
  });

  it('ends where a frame is none that a host knows', async () => {
    await peer.greet();
    peer.write(encodeFrame({ kind: 0x7f, id: 1 }));
    assert.equal(await peer.exitCode(), 2);
  });
}

async function refused(
  asked: Promise<unknown>,
  reason?: string,
  field?: string,
  said?: RegExp,
): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof EdgeError, String(error));
    if (reason !== undefined) assert.equal(error.reason, reason, error.message);
    if (field !== undefined) assert.equal(error.field, field, error.message);
    if (said !== undefined) assert.match(`${error.field} ${error.message}`, said);
    return true;
  });
}

function shaped(shape: readonly (number | string)[]): Pick<TestPackage, 'model' | 'inputs' | 'outputs'> {
  const value = (name: string) => ({ name, datatype: 'FP32' as const, shape: [...shape] });
  return { model: identityModel('FP32', [...shape]), inputs: [value('x')], outputs: [value('y')] };
}

/** y = x, of open length. */
function identity(datatype: Datatype): TestPackage {
  const value = (name: string) => ({ name, datatype, shape: ['n'] });
  return {
    name: `Identity${datatype}`,
    model: identityModel(datatype, ['n']),
    inputs: [value('x')],
    outputs: [value('y')],
  };
}

/** y = x and z = -x. */
function twins(): TestPackage {
  const value = (name: string) => ({ name, datatype: 'FP32' as const, shape: ['n'] });
  const [x, y, z] = [value('x'), value('y'), value('z')];
  const nodes = [node('Identity', ['x'], ['y']), node('Neg', ['x'], ['z'])];
  return {
    name: 'Twins',
    model: onnxModel({ inputs: [x], outputs: [y, z], nodes }),
    inputs: [x],
    outputs: [y, z],
  };
}

function valuesOf(datatype: Datatype): Tensor {
  if (datatype === 'BYTES') {
    const data = encodeStrings(['', 'a', 'Grüße, 世界']);
    return { name: 'x', datatype, shape: [3], data };
  }
  const byteSize = tensorByteSize(datatype, [3]) ?? 0;
  return { name: 'x', datatype, shape: [3], data: Uint8Array.from({ length: byteSize }, (_, at) => at % 2) };
}

function emptyOf(datatype: Datatype): Tensor {
  return { name: 'x', datatype, shape: [0], data: new Uint8Array(0) };
}
