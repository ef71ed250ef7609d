import { strict as assert } from 'node:assert';
import { copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toEdgeError } from '../../../src/core/mod.js';
import { openPackage, SIGNATURE_FILE } from '../../../src/model/mod.js';
import { ADMIN_OPERATIONS } from '../../../src/runtime/config/mod.js';
import type { Reason } from '../../../src/contract/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { openDoors, packageOf, type DoorPackage, type Make } from '../../lib/doors.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { keyPair } from '../../lib/model-package.js';
import { identityModel } from '../../lib/onnx-builder.js';

const DOORS = ['register', 'load by path', 'admin socket: load by path'];
const OTHER_PLATFORM = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64';
const PAST = '2020-01-01T00:00:00Z';
const FUTURE = '2999-01-01T00:00:00Z';

interface Keys {
  readonly trusted: string;
  readonly former: string;
  readonly stranger: string;
}

interface Attack {
  readonly what: string;
  readonly refused: readonly Reason[];
  readonly make: Make;
  /** Who signs; default: a trusted key. */
  readonly signer?: keyof Keys;
  readonly spoil?: (given: DoorPackage, good: DoorPackage) => Promise<unknown>;
}

const model = ({ path }: DoorPackage): string => join(path, 'model.onnx');
const refusedContent: readonly Reason[] = ['PACKAGE_REFUSED_CONTENT'];
const refusedSignature: readonly Reason[] = ['PACKAGE_REFUSED_SIGNATURE'];

/** The attacks that The Update Framework's specification names (section 1.5.2), each with its relatives here. */
const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  'arbitrary software': [
    { what: 'unsigned', refused: refusedSignature, make: { version: '3.0.0', signed: false } },
    {
      what: 'of a stranger’s key',
      refused: refusedSignature,
      make: { version: '3.0.1' },
      signer: 'stranger',
    },
    {
      what: 'other bytes of the same length',
      refused: refusedContent,
      make: { version: '3.0.2' },
      spoil: async (given) =>
        await writeFile(model(given), Buffer.alloc(identityModel('FP32', [1]).length, 8)),
    },
  ],
  rollback: [
    { what: 'an older signed version', refused: ['PACKAGE_REFUSED_DOWNGRADE'], make: { version: '1.0.0' } },
  ],
  'fast-forward': [
    {
      what: 'unsigned, with the highest number',
      refused: refusedSignature,
      make: { version: '900.0.0', signed: false },
    },
    {
      what: 'a number beyond 2^53',
      refused: ['PACKAGE_REFUSED_MANIFEST'],
      make: { version: '900.0.1' },
      spoil: async ({ path, manifest }) =>
        await writeFile(
          join(path, 'manifest.json'),
          JSON.stringify({ ...manifest, version: '9007199254740993.0.0' }),
        ),
    },
  ],
  'indefinite freeze': [
    {
      what: 'expired',
      refused: ['PACKAGE_EXPIRED'],
      make: { version: '3.1.0', manifest: { expires: PAST } },
    },
  ],
  'endless data': [
    {
      what: 'a manifest of 64 MiB',
      refused: ['PACKAGE_REFUSED_MANIFEST'],
      make: { version: '3.2.0' },
      spoil: async ({ path }) => await truncate(join(path, 'manifest.json'), 64 * 2 ** 20),
    },
    {
      what: 'a model of 8 GiB without content',
      refused: refusedContent,
      make: { version: '3.2.1' },
      spoil: async (given) => await truncate(model(given), 8 * 2 ** 30),
    },
    {
      what: 'a signature of 64 MiB',
      refused: ['PACKAGE_REFUSED_CONTENT', 'PACKAGE_REFUSED_SIGNATURE'],
      make: { version: '3.2.2' },
      spoil: async ({ path }) => await truncate(join(path, SIGNATURE_FILE), 64 * 2 ** 20),
    },
  ],
  'extraneous dependencies': [
    {
      what: 'a library beside the model',
      refused: refusedContent,
      make: { version: '3.3.0' },
      spoil: async ({ path }) => await writeFile(join(path, 'libcustom.so'), 'code'),
    },
  ],
  'mix-and-match': [
    {
      what: 'the signature of another version',
      refused: ['PACKAGE_REFUSED_CONTENT', 'PACKAGE_REFUSED_SIGNATURE'],
      make: { version: '3.4.0' },
      spoil: async ({ path }, good) =>
        await copyFile(join(good.path, SIGNATURE_FILE), join(path, SIGNATURE_FILE)),
    },
    {
      what: 'the manifest and signature of another model',
      refused: refusedContent,
      make: { version: '3.4.1', model: identityModel('FP32', [2]) },
      spoil: async (given) => await writeFile(model(given), identityModel('FP32', [3])),
    },
  ],
  'wrong software': [
    {
      what: 'another component’s, signed',
      refused: ['PACKAGE_REFUSED_OWNER'],
      make: { version: '3.5.0', manifest: { componentName: 'com.example.Foreign' } },
    },
    {
      what: 'for another platform',
      refused: ['PACKAGE_REFUSED_TARGET'],
      make: { version: '3.5.1', manifest: { target: OTHER_PLATFORM } },
    },
  ],
  'malicious mirrors': [
    {
      what: 'half a model',
      refused: refusedContent,
      make: { version: '3.6.0' },
      spoil: async (given) => await truncate(model(given), 20),
    },
    {
      what: 'no model',
      refused: refusedContent,
      make: { version: '3.6.1' },
      spoil: async (given) => await rm(model(given)),
    },
    {
      what: 'no manifest',
      refused: ['PACKAGE_NOT_FOUND'],
      make: { version: '3.6.2' },
      spoil: async ({ path }) => await rm(join(path, 'manifest.json')),
    },
  ],
  'key compromise': [
    {
      what: 'of a key that is trusted no more',
      refused: refusedSignature,
      make: { version: '3.7.0' },
      signer: 'former',
    },
  ],
};

describe('faults: attacks on updates', () => {
  it(`D2: ${Object.keys(ATTACKS).length} attacks of the TUF list are refused at every door, and honest updates come through`, async () => {
    const pairs = { trusted: keyPair(), former: keyPair(), stranger: keyPair() };
    const keys = await mkdtemp(join(tmpdir(), 'edge-keys-'));
    const trustedKeysFile = join(keys, 'trusted.pem');
    await writeFile(trustedKeysFile, `${pairs.trusted.publicPem}\n${pairs.former.publicPem}`);
    await using bench = await AgentBench.create({
      configuration: {
        signature: { policy: 'required', trustedKeysFile },
        admin: { operations: [...ADMIN_OPERATIONS] },
      },
    });
    await bench.start();
    await using doors = await openDoors(bench);
    const make = async (given: Make, signer: keyof Keys = 'trusted'): Promise<DoorPackage> =>
      await packageOf(bench.root, given, pairs[signer].privatePem);
    await doors.at('register')(await make({ version: '1.9.0' }, 'former'));
    const good = await make({ version: '2.0.0', manifest: { expires: FUTURE } });
    await doors.at('register')(good);
    await writeFile(trustedKeysFile, pairs.trusted.publicPem);
    const forms = await Promise.all(
      Object.entries(ATTACKS).flatMap(([name, attacks]) =>
        attacks.map(async ({ what, refused, make: given, signer, spoil }, index) => {
          const bad = await make(given, signer);
          await spoil?.(bad, good);
          return { what: `${name}, ${what}`, isFirst: index === 0, bad, refused: new Set<string>(refused) };
        }),
      ),
    );
    let cycles = 0;
    for (const door of DOORS) {
      // An app loads by path only where nothing of that name is loaded.
      if (door !== 'register') await doors.app.unload({ name: 'Model' });
      // The last door leads to the same room as the one before: one form of each attack tells that it does.
      for (const { what, bad, refused } of forms.filter(({ isFirst }) => isFirst || door !== DOORS.at(-1))) {
        cycles += 1;
        const outcome = await doors
          .at(door)(bad)
          .then(
            () => 'let in',
            (thrown: unknown) => toEdgeError(thrown).reason,
          );
        assert.ok(refused.has(outcome), `${what}, at ${door}: ${outcome}`);
      }
      await doors.app.load({ name: 'Model' });
      const { version, state } = await doors.app.describeModel({ name: 'Model' });
      assert.deepEqual([version, state], ['2.0.0', 'PROBATION'], door);
    }
    await doors.at('register')(await make({ version: '2.0.1' }));
    assert.equal((await doors.app.describeModel({ name: 'Model' })).version, '2.0.1');
    // What this device has served before, it takes back; and older ones where a trusted key says so.
    await doors.at('register')(good);
    await doors.at('register')(await make({ version: '1.5.0', manifest: { allowDowngrade: true } }));
    assert.equal((await doors.app.describeModel({ name: 'Model' })).version, '1.5.0');
    await rm(keys, { recursive: true });
    reportFaultRow({
      row: 'D2',
      cycles,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `${Object.keys(ATTACKS).length} attacks, ${forms.length} forms, ${DOORS.length} doors`,
    });
  });

  it('D2: an expired package is refused by a clock that is known to be right, and by no other', async () => {
    const root = await mkdtemp(join(tmpdir(), 'edge-expired-'));
    const { path } = await packageOf(
      root,
      { version: '1.0.0', signed: false, manifest: { expires: PAST } },
      '',
    );
    const trust = { policy: 'if-present' as const, keys: [] };
    await assert.rejects(openPackage(path, { trust, nowMs: Date.parse(FUTURE) }), {
      reason: 'PACKAGE_EXPIRED',
    });
    assert.equal((await openPackage(path, { trust, nowMs: undefined })).manifest.version, '1.0.0');
    await rm(root, { recursive: true });
    reportFaultRow({
      row: 'D2',
      cycles: 2,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: 'expiry without a clock',
    });
  });
});
