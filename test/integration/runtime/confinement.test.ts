import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { EdgeError } from '../../../src/core/mod.js';
import type { ProbeAction } from '../../lib/confinement-probe.js';
import { landlockAbsence, probeBelowLauncher, type ProbeAnswers } from '../../lib/landlock.js';
import { HostBench, hostPids, hostScripts, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const F_SETFD = 2;

describe('A model host', () => {
  let folder: string;
  let absence: string | undefined;
  before(async () => {
    absence = await landlockAbsence();
    folder = await mkdtemp(join(tmpdir(), 'edge-confinement-'));
    for (const name of ['own', 'other', 'exchange/secret', 'compiled/own', 'compiled/other'])
      await mkdir(join(folder, name), { recursive: true });
    const files = ['own/model.onnx', 'other/model.onnx', 'exchange/secret/tensors'];
    for (const name of [...files, 'compiled/own/a.ort', 'compiled/other/a.ort'])
      await writeFile(join(folder, name), name);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const path = (name: string): string => join(folder, name);
  const room = () => ({
    packages: [path('own')],
    exchange: [path('exchange')],
    compiled: path('compiled/own'),
  });
  async function probe(
    order: Readonly<Record<string, readonly [ProbeAction, string]>>,
  ): Promise<ProbeAnswers> {
    return await probeBelowLauncher(folder, room(), order);
  }

  it('reads its package, uses its exchange and compiled files, and nothing else', async function () {
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    const answers = await probe({
      'its package': ['read', path('own/model.onnx')],
      'its package, listed': ['list', path('own')],
      'its package, written': ['write', path('own/model.onnx')],
      'another package': ['read', path('other/model.onnx')],
      'another package by libuv': ['readByThread', path('other/model.onnx')],
      'another package by a worker': ['readByWorker', path('other/model.onnx')],
      'another package, above its own': ['read', path('own/../other/model.onnx')],
      'packages, listed': ['list', folder],
      'a system file': ['read', '/etc/passwd'],
      'secrets of the agent': ['read', `/proc/${process.pid}/environ`],
      'tensors of a caller': ['read', path('exchange/secret/tensors')],
      'tensors of a caller, written': ['write', path('exchange/secret/tensors')],
      'a new exchange file': ['create', path('exchange/secret/new')],
      'callers, listed': ['list', path('exchange')],
      'a compiled graph': ['read', path('compiled/own/a.ort')],
      'a new compiled graph': ['create', path('compiled/own/b.ort')],
      'a folder beside it': ['makeFolder', path('compiled/own/folder')],
      "another model's compiled graph": ['read', path('compiled/other/a.ort')],
      "another model's compiled graph, written": ['write', path('compiled/other/a.ort')],
      "another model's compiled graph, removed": ['remove', path('compiled/other/a.ort')],
      "another model's new compiled graph": ['create', path('compiled/other/b.ort')],
      "another model's compiled graphs, listed": ['list', path('compiled/other')],
      'compiled graphs of all models, listed': ['list', path('compiled')],
      'a file in its own folder': ['create', 'scratch'],
      'a program': ['execute', '/bin/true'],
    });
    assert.deepEqual(answers, {
      'its package': 'done',
      'its package, listed': ['model.onnx'],
      'its package, written': 'EACCES',
      'another package': 'EACCES',
      'another package by libuv': 'EACCES',
      'another package by a worker': 'EACCES',
      'another package, above its own': 'EACCES',
      'packages, listed': 'EACCES',
      'a system file': 'EACCES',
      'secrets of the agent': 'EACCES',
      'tensors of a caller': 'done',
      'tensors of a caller, written': 'done',
      'a new exchange file': 'EACCES',
      'callers, listed': 'EACCES',
      'a compiled graph': 'done',
      'a new compiled graph': 'done',
      'a folder beside it': 'EACCES',
      "another model's compiled graph": 'EACCES',
      "another model's compiled graph, written": 'EACCES',
      "another model's compiled graph, removed": 'EACCES',
      "another model's new compiled graph": 'EACCES',
      "another model's compiled graphs, listed": 'EACCES',
      'compiled graphs of all models, listed': 'EACCES',
      'a file in its own folder': 'EACCES',
      'a program': 'EACCES',
    });
  });

  it('reaches nobody: no socket, whatever its kind', async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    const unix = createServer().listen(path('agent.sock'));
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(unix, 'listening'), once(udp, 'listening')]);
    try {
      const answers = await probe({
        tcp: ['connectTcp', String((tcp.address() as AddressInfo).port)],
        udp: ['sendUdp', String(udp.address().port)],
        unix: ['connectUnix', path('agent.sock')],
      });
      assert.deepEqual(answers, { tcp: 'EACCES', udp: 'EACCES', unix: 'EACCES' });
    } finally {
      tcp.close();
      unix.close();
      udp.close();
    }
  });

  it('inherits no descriptor, and runs in an empty folder with no way back to rights or limits', async () => {
    await using bench = await HostBench.create();
    const leaking = await open(path('other/model.onnx'));
    // As native code leaves its files: Node's own are closed where a program is executed.
    const setFlags = koffi.load(null).func('int fcntl(int, int, int)');
    assert.equal(setFlags(leaking.fd, F_SETFD, 0), 0);
    const model = await bench.hosts.load(await bench.package(identityPackage()));
    const [pid] = await hostPids();
    const proc = `/proc/${pid}`;
    const links = await Promise.all(
      (await readdir(`${proc}/fd`)).map(
        async (fd) => `${fd} ${await readlink(`${proc}/fd/${fd}`).catch(() => '')}`,
      ),
    );
    const foreign = links.filter(
      (link) => !/^\d+ (anon_inode:|pipe:|\/dev\/null|$)|^[0-3] socket:/.test(link),
    );
    assert.deepEqual(foreign, []);
    const empty = await readlink(`${proc}/cwd`);
    assert.equal(empty, join(bench.folder, 'empty', String(pid)));
    assert.deepEqual(await readdir(empty), []);
    const status = await readFile(`${proc}/status`, 'utf8');
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    const limits = await readFile(`${proc}/limits`, 'utf8');
    assert.match(limits, /^Max core file size +0 +0 /m);
    assert.match(limits, /^Max open files +256 +256 /m);
    assert.match(limits, /^Max file size +4294967296 +4294967296 /m);
    await model.unload();
    await until(
      async () => (await readdir(join(bench.folder, 'empty'))).length === 0,
      'its empty folder goes',
    );
    await leaking.close();
  });

  it('says what holds it, and loads nothing where it must be held and is not', async () => {
    await using bench = await HostBench.create();
    const spec = await bench.package(identityPackage());
    const model = await bench.hosts.load(spec);
    const { isHeld, phrase } = model.report.confinement;
    assert.equal(isHeld, absence === undefined);
    assert.match(phrase, absence === undefined ? /^Landlock \d/ : /^no Landlock/);
    assert.deepEqual(bench.hosts.confinement, model.report.confinement);
    await model.unload();
    const { entry } = await hostScripts();
    await using bare = await HostBench.create({ confinement: 'required' }, { entry, launcher: entry });
    await assert.rejects(
      bare.hosts.load(spec),
      (error) =>
        error instanceof EdgeError && error.reason === 'HOST_UNCONFINED' && error.code === 'UNAVAILABLE',
    );
  });

  it('serves without the library that calls the kernel, and says so', async () => {
    await using bench = await HostBench.create();
    const { entry } = await hostScripts();
    const other = join(bench.folder, 'program');
    await cp(dirname(entry), other, { recursive: true });
    await rm(join(other, 'koffi.node'));
    const scripts = { entry: join(other, 'model-host.js'), launcher: join(other, 'host-launcher.cjs') };
    await using without = await HostBench.create({}, scripts);
    const model = await without.hosts.load(await bench.package(identityPackage()));
    assert.deepEqual(outputFloats((await model.run(runRequest([floats('x', [7])]), 5000)).outputs[0]), [7]);
    assert.equal(model.report.confinement.isHeld, false);
    assert.match(model.report.confinement.phrase, /^none: the C library can't be called/);
    await model.unload();
  });
});
