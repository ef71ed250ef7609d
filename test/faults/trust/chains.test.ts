import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mkdirSync, rmSync } from 'node:fs';
import { EdgeError, SeededRandom } from '../../../src/core/mod.js';
import { parseTrust, verifyChain } from '../../../src/model/trust/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { CertificateMaker, hasCertificateTool } from '../../lib/certificates.js';
import { findCodeSignJudge, type ChainCase, type Verdict } from '../../lib/code-sign-judge.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { temporaryFolder } from '../../lib/model-package.js';
import { BAD, CA, GOOD, LEAF, STRICTER, type ChainOrder } from './chain-cases.js';

const DAY_MS = 86_400_000;
const MIXTURES = longRun() ? 1000 : 60;
/** Others each day. */
const SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? Math.floor(systemClock.wallMs() / DAY_MS));
const judge = hasCertificateTool ? findCodeSignJudge() : undefined;
const orders = [...GOOD, ...BAD, ...STRICTER];

describe(`faults: certificate chains, judged by ${judge?.name ?? 'nobody (skipped)'} and by us`, function () {
  let root = '';

  before(async function () {
    if (judge === undefined) {
      skipFaultRow('S11', 'no openssl command with the purpose codesign, and no pyOpenSSL of one');
      this.skip();
    }
    root = await temporaryFolder('chains-');
  });
  after(() => (root === '' ? undefined : rm(root, { recursive: true, force: true })));

  it(`S11: of ${orders.length} generated chains none is accepted that the reference refuses`, () => {
    assert.ok(judge !== undefined);
    const cases = orders.map((order, index) => makeChain(order, join(root, String(index))));
    const reference = judge.judge(cases, root);
    const ours = cases.map(judgedByUs);
    orders.forEach((order, index) => {
      const said = `${order.name}: the reference says ${reference[index] ?? 'yes'}, we say ${ours[index] ?? 'yes'}`;
      if (reference[index] !== undefined) assert.ok(ours[index] !== undefined, said);
      if (order.refused === undefined) assert.equal(ours[index], undefined, said);
      else assert.match(ours[index] ?? '', order.refused, said);
      const accepts = order.refused === undefined || order.stricter !== undefined;
      assert.equal(reference[index] === undefined, accepts, said);
    });
    report(orders.length, `chains, ${BAD.length} refused by both, ${STRICTER.length} by us alone`);
  });

  it(`S11: nor of ${MIXTURES} mixtures of them`, () => {
    console.log(`      seed ${SEED} (EDGE_MANAGER_SEED)`);
    assert.ok(judge !== undefined);
    const random = new SeededRandom(SEED);
    const cases: ChainCase[] = [];
    for (let tries = 0; cases.length < MIXTURES; tries++) {
      const folder = join(root, `mixture-${tries}`);
      const made = tried(() => makeChain(mixed(random), folder));
      if (made !== undefined) cases.push(made);
      rmSync(folder, { recursive: true });
    }
    const reference = judge.judge(cases, root);
    const ours = cases.map(judgedByUs);
    const wrong = cases.filter((_, index) => reference[index] !== undefined && ours[index] === undefined);
    assert.deepEqual(wrong, []);
    const accepted = ours.filter((verdict) => verdict === undefined).length;
    assert.ok(accepted > MIXTURES / 50, `${accepted} are accepted`);
    report(MIXTURES, `mixtures, ${accepted} accepted`);
  });
});

/** Parts of the orders above, in any mixture. */
function mixed(random: SeededRandom): ChainOrder {
  const pick = (place: 'root' | 'middle' | 'leaf'): object => {
    const parts = orders.flatMap((order) => (order.beside === undefined ? (order[place] ?? []) : []));
    return random.fraction() < 0.6 ? {} : (parts[Math.floor(random.fraction() * parts.length)] ?? {});
  };
  const length = random.fraction() < 0.25 ? { lower: {} } : {};
  return { name: 'a mixture', root: pick('root'), middle: pick('middle'), leaf: pick('leaf'), ...length };
}

function makeChain(order: ChainOrder, folder: string): ChainCase {
  mkdirSync(folder);
  const maker = new CertificateMaker(folder);
  const { root, middle, lower, leaf, beside, day = 1 } = order;
  maker.make({ name: 'root', extensions: CA, ...root });
  maker.make({ name: 'middle', issuer: 'root', extensions: CA, ...middle });
  if (lower !== undefined) maker.make({ name: 'lower', issuer: 'middle', extensions: CA, ...lower });
  if (beside !== undefined) maker.make(beside);
  const issuer = lower === undefined ? 'middle' : 'lower';
  maker.make({ name: 'leaf', issuer, extensions: LEAF, ...leaf });
  const sent = order.sent ?? ['middle', ...(lower === undefined ? [] : ['lower'])];
  return {
    leaf: maker.text('leaf.pem'),
    others: sent.map((name) => maker.text(`${name}.pem`)),
    anchors: [maker.text(`${order.trusted ?? 'root'}.pem`)],
    atMs: systemClock.wallMs() + day * DAY_MS,
  };
}

/** Not every key can make every signature: RSA with 512 bits has no room for SHA-384. */
function tried<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function report(cycles: number, note: string): void {
  reportFaultRow({ row: 'S11', cycles, lost: 0, duplicated: 0, corrupt: 0, note });
}

function judgedByUs({ leaf, others, anchors, atMs }: ChainCase): Verdict {
  const chain = [leaf, ...others].map((pem) => new X509Certificate(pem).raw);
  try {
    verifyChain(chain, parseTrust(anchors), atMs);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof EdgeError, String(error));
    return error.message;
  }
}
