import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { buildProject, platformsOf } from '../../deploy/build/mod.js';
import { packageModel } from '../../deploy/mod.js';
import { unzip } from '../../src/local/nucleus/unzip.js';
import { temporaryFolder } from '../lib/model-package.js';
import { HostBench, outputFloats, runRequest } from '../lib/model-hosts.js';
import { identityPackage } from '../lib/test-models.js';
import { floats } from '../lib/tensors.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** `qemu-user-static` and `libstdc++6-arm64-cross` of Debian, and any Node for linux-arm64. */
const SYSROOT = '/usr/aarch64-linux-gnu';
const QEMU = '/usr/bin/qemu-aarch64-static';
/** ONNX Runtime reads the processor from here, and crashes at what it finds on x86: two Cortex-A72 cores. */
const CPU_INFO = [0, 1]
  .map((core) =>
    [
      `processor\t: ${core}`,
      'Features\t: fp asimd evtstrm crc32 cpuid',
      'CPU implementer\t: 0x41',
      'CPU architecture: 8',
      'CPU variant\t: 0x0',
      'CPU part\t: 0xd08',
      'CPU revision\t: 3',
      '\n',
    ].join('\n'),
  )
  .join('');
const arm64Node = process.env['EDGE_MANAGER_ARM64_NODE'] ?? '';
const missing = [QEMU, `${SYSROOT}/lib/libstdc++.so.6`, arm64Node].find((path) => !existsSync(path));
const why =
  missing === undefined
    ? ''
    : ` (skipped: ${missing === '' ? 'EDGE_MANAGER_ARM64_NODE names no Node' : `no ${missing}`})`;

/** The only place where the aarch64 artifact's own native code runs on another machine. */
describe(`The agent's artifact for aarch64${why}`, function () {
  const ownNode = process.execPath;
  let folder = '';
  let node = '';

  before(async function () {
    if (missing !== undefined) return this.skip();
    folder = await temporaryFolder('arm64-');
    node = join(folder, 'node');
    const prefix = join(folder, 'prefix');
    await mkdir(join(prefix, 'proc'), { recursive: true });
    await symlink(join(SYSROOT, 'lib'), join(prefix, 'lib'));
    await writeFile(join(prefix, 'proc', 'cpuinfo'), CPU_INFO);
    await writeFile(node, `#!/bin/sh\nexec ${QEMU} -L ${prefix} '${arm64Node}' "$@"\n`);
    await chmod(node, 0o755);
    const built = { root, platforms: platformsOf('linux-aarch64'), out: folder };
    const { recipe } = await buildProject(join(root, 'components/agent-runtime'), built);
    const archive = join('artifacts', recipe.ComponentName, 'NEXT_PATCH', 'agent-runtime-linux-aarch64.zip');
    await unzip(join(folder, 'greengrass-build', archive), join(folder, 'agent'), 0o444);
  });

  after(async () => {
    process.execPath = ownNode;
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  it('passes its own install step', async () => {
    const recipe = parse(await readFile(join(root, 'components/agent-runtime/recipe.yaml'), 'utf8')) as {
      Manifests: { Platform: { architecture: string }; Lifecycle: { install: string } }[];
    };
    const manifest = recipe.Manifests.find(({ Platform }) => Platform.architecture === 'aarch64');
    const script = (manifest?.Lifecycle.install ?? assert.fail()).replaceAll('{artifacts:path}', folder);
    const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  it('loads Silero VAD, gives what the samples from this machine say, and predicts', async () => {
    const { manifest, folder: packaged } = await packageModel({
      file: join(root, 'examples/models/silero-vad-6/model.yaml'),
      outFolder: join(folder, 'package'),
      skipSelfTest: false,
      timeoutMs: 60_000,
    });
    process.execPath = node;
    const scripts = {
      entry: join(folder, 'agent', 'model-host.js'),
      launcher: join(folder, 'agent', 'host-launcher.cjs'),
    };
    await using bench = await HostBench.create({ loadTimeoutMs: 120_000 }, scripts);
    const identity = await bench.package(identityPackage('Good'));
    const silero = await bench.hosts.load({ ...identity, key: 'SileroVad@6.0.0', folder: packaged });
    assert.ok((manifest.samples?.count ?? 0) > 0);
    await silero.unload();
    const good = await bench.hosts.load(identity);
    const { outputs } = await good.run(runRequest([floats('x', [7])]), 60_000);
    assert.deepEqual(outputFloats(outputs[0]), [7]);
  });
});
