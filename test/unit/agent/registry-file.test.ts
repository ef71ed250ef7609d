import { strict as assert } from 'node:assert';
import { silentLogger } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import {
  countTry,
  EMPTY_REGISTRY,
  promote,
  QUARANTINE_TRIES,
  refuse,
  Registry,
  rollBack,
  type RegistryState,
  type VersionRecord,
} from '../../../src/runtime/registry/mod.js';

const FILE = '/agent/registry.json';
const record = (version: string): VersionRecord => ({
  version,
  digest: version.replaceAll('.', '').padEnd(64, '0'),
  packageName: 'Vad',
  source: `/artifacts/${version}`,
  kept: true,
  admitted: false,
  tries: 0,
});

async function opened(files = memoryFiles()) {
  const registry = await Registry.open({
    file: FILE,
    files,
    logger: silentLogger,
    rebuild: async () => EMPTY_REGISTRY,
  });
  return { files, registry };
}

const served = (...versions: string[]): RegistryState =>
  versions.reduce(
    (state, version) => promote(state, 'Vad', record(version), { probation: true }),
    EMPTY_REGISTRY,
  );

/** As long as a host's last words may be, and an emoji where a cut would fall. */
const LONG = `${'x'.repeat(1999)}😀${'y'.repeat(3000)}`;

describe('the registry file', () => {
  for (const [what, state] of [
    ['a rollback', rollBack(served('1.0.0', '2.0.0'), 'Vad', { from: '2.0.0', to: '1.0.0', reason: LONG })],
    ['a refusal', refuse(EMPTY_REGISTRY, 'Vad', record('1.0.0'), LONG)],
    [
      'a quarantine',
      Array.from({ length: QUARANTINE_TRIES }).reduce<RegistryState>(
        (state) => countTry(state, 'Vad', '1.0.0', LONG),
        served('1.0.0'),
      ),
    ],
  ] as const) {
    it(`is read again after ${what} with a reason of 5,000 characters`, async () => {
      const { files, registry } = await opened();
      await registry.update(() => state);
      const again = await opened(files);
      assert.deepEqual([...files.content.keys()], [FILE]);
      assert.deepEqual(again.registry.state, registry.state);
    });
  }

  it('is never written as its reader would refuse it: the state stays as it was', async () => {
    const { files, registry } = await opened();
    await registry.update(() => served('1.0.0'));
    const before = files.content.get(FILE);
    const wrong = (state: RegistryState): RegistryState =>
      promote(state, 'Vad', record(''), { probation: false });
    await assert.rejects(registry.update(wrong), {
      code: 'INTERNAL',
      message: /Cannot write the registry as/,
    });
    assert.equal(files.content.get(FILE), before);
    assert.equal(registry.state.models['Vad']?.labels['stable'], '1.0.0');
    await registry.update((state) => promote(state, 'Vad', record('2.0.0'), { probation: false }));
  });

  it('with fields of a later agent is read, and they are left alone', async () => {
    const { files, registry } = await opened();
    await registry.update(() => served('1.0.0'));
    const text = new TextDecoder().decode(files.content.get(FILE));
    files.content.set(FILE, new TextEncoder().encode(text.replace('"wanted":', '"later":{"a":1},"wanted":')));
    const again = await opened(files);
    assert.deepEqual(files.content.size, 1);
    assert.ok('later' in (again.registry.state.models['Vad'] ?? {}));
  });
});
