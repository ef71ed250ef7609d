import { strict as assert } from 'node:assert';
import type { Reason } from '../../../src/contract/mod.js';
import { toEdgeError } from '../../../src/core/mod.js';
import { ADMIN_OPERATIONS } from '../../../src/runtime/config/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { openDoors, OWNER, packageOf, type Door, type DoorPackage, type Make } from '../../lib/doors.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { hostileModels } from '../../lib/hostile-models.js';
import { keyPair } from '../../lib/model-package.js';

const FOREIGN = 'com.example.Foreign';
const OTHER_PLATFORM = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64';
const timeoutMs = 60_000;

/** A cell's refusal: one of these reasons. A text says why the rule has nothing to judge at that door. */
type Cell = ReadonlySet<string> | string;
const oneOf = (...reasons: Reason[]): Cell => new Set(reasons);
const ONLY_ADMITTED = oneOf('VERSION_NOT_FOUND', 'VERSION_REFUSED');
const NEVER = oneOf('ADMIN_OPERATION_REFUSED');
/** The widest that the socket may be. */
const admin = { operations: [...ADMIN_OPERATIONS] };

/** Each rule at each door. The doors of the admin socket are those of Greengrass, with a caller that is no component. */
function row(refused: Cell, register = refused): Readonly<Record<string, Cell>> {
  return {
    register,
    'load by path': refused,
    'load by version': ONLY_ADMITTED,
    'admin socket: register': NEVER,
    'admin socket: load by path': refused,
    'admin socket: load by version': ONLY_ADMITTED,
  };
}

const RULES: Readonly<
  Record<string, { readonly cells: Readonly<Record<string, Cell>>; readonly make: Make }>
> = {
  signature: {
    cells: row(oneOf('PACKAGE_REFUSED_SIGNATURE')),
    make: { version: '3.0.0', signed: false },
  },
  downgrade: { cells: row(oneOf('PACKAGE_REFUSED_DOWNGRADE')), make: { version: '1.0.0' } },
  platform: {
    cells: row(oneOf('PACKAGE_REFUSED_TARGET')),
    make: { version: '3.1.0', manifest: { target: OTHER_PLATFORM } },
  },
  runtime: {
    cells: row(oneOf('PACKAGE_REFUSED_RUNTIME')),
    make: { version: '3.2.0', manifest: { minimumRuntimeVersion: '99.0.0' } },
  },
  owner: {
    cells: row(oneOf('PACKAGE_REFUSED_OWNER')),
    make: { version: '3.3.0', manifest: { componentName: FOREIGN } },
  },
  name: {
    cells: row(
      oneOf('PACKAGE_REFUSED_OWNER'),
      "a package registers under its manifest's own name: there is no other",
    ),
    make: { version: '3.4.0', manifest: { name: 'Other' } },
  },
  'graph check': {
    cells: row(oneOf('MODEL_REFUSED', 'PACKAGE_REFUSED_MODEL')),
    make: { version: '3.5.0', model: hostileModels()[0]?.[1] ?? new Uint8Array() },
  },
};

describe('faults: every door of admission', () => {
  it('S9: refuses by every rule, and lets in what breaks none', async () => {
    const key = keyPair();
    await using bench = await AgentBench.create({
      configuration: {
        signature: { policy: 'required', trustedKeys: [key.publicPem] },
        logLevel: 'debug',
        admin,
      },
    });
    await bench.start();
    await using doors = await openDoors(bench);
    const good = await packageOf(bench.root, { version: '2.0.0' }, key.privatePem);
    await doors.at('register')(good);
    for (const door of ['load by path', 'load by version', 'admin socket: load by path']) {
      await doors.app.unload({ name: 'Model' }, { timeoutMs });
      await doors.at(door)(good);
    }
    await doors.app.unload({ name: 'Model' }, { timeoutMs });
    for (const [rule, { make, cells }] of Object.entries(RULES)) {
      await judge(doors, rule, cells, await packageOf(bench.root, make, key.privatePem));
    }
    await doors.at('admin socket: load by version')(good);
    const serving = await doors.app.describeModel({ name: 'Model' }, { timeoutMs });
    assert.deepEqual([serving.version, serving.state, serving.component], ['2.0.0', 'SERVING', OWNER]);
  });

  it('S9: refuses what the memory budget does not hold', async () => {
    await using bench = await AgentBench.create({ configuration: { memoryBudgetMb: 1, admin } });
    await bench.start();
    await using doors = await openDoors(bench);
    const heavy = await packageOf(bench.root, { version: '1.0.0', signed: false }, '');
    // Nothing of this model was ever admitted, and a refusal by path is remembered nowhere.
    const cells = row(oneOf('MEMORY_BUDGET', 'MEMORY_SHORT'));
    await judge(doors, 'resources', cells, heavy);
  });
});

async function judge(
  doors: { readonly at: (name: string) => Door },
  rule: string,
  cells: Readonly<Record<string, Cell>>,
  given: DoorPackage,
): Promise<void> {
  const applied = Object.entries(cells).flatMap(([door, cell]) =>
    typeof cell === 'string' ? [] : [{ door, cell }],
  );
  for (const { door, cell } of applied) {
    const outcome = await doors
      .at(door)(given)
      .then(
        () => 'let in',
        (thrown: unknown) => toEdgeError(thrown).reason,
      );
    assert.ok(cell.has(outcome), `${rule} at ${door}: ${outcome}`);
  }
  const idle = Object.entries(cells).flatMap(([door, cell]) =>
    typeof cell === 'string' ? [`${rule} at ${door} not applicable (${cell})`] : [],
  );
  const note = idle.length === 0 ? {} : { note: idle.join(', ') };
  reportFaultRow({ row: 'S9', cycles: applied.length, lost: 0, duplicated: 0, corrupt: 0, ...note });
}
