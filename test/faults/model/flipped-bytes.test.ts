import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeySigner, openPackage } from '../../../src/model/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../../lib/model-package.js';

describe('faults: a signed package', () => {
  const { privatePem, publicPem } = keyPair();
  const options = { trust: { policy: 'required', keys: [publicPem] }, nowMs: undefined } as const;
  let folder = '';

  before(async () => {
    folder = join(await temporaryFolder(), 'package');
    await writeSmallPackage(folder, {
      weights: Buffer.from('weights'),
      signer: createKeySigner(privatePem),
    });
  });
  after(() => rm(join(folder, '..'), { recursive: true, force: true }));

  const bits = longRun() ? [0, 1, 2, 3, 4, 5, 6, 7] : [0];
  it(`D1: is refused with any byte of any file changed, ${bits.length} bits of each`, async () => {
    let flips = 0;
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const bytes = await readFile(path);
      for (let at = 0; at < bytes.length; at++) {
        for (const bit of bits) {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ (1 << ((bit + at) % 8));
          await writeFile(path, changed);
          const where = `bit ${bit} of byte ${at} of ${name}`;
          await assert.rejects(openPackage(folder, options), { code: 'FAILED_PRECONDITION' }, where);
          flips++;
        }
      }
      await writeFile(path, bytes);
    }
    assert.equal((await openPackage(folder, options)).signature.state, 'verified');
    assert.ok(flips > 1500 * bits.length, `${flips} flips`);
    reportFaultRow({
      row: 'D1',
      cycles: flips,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: 'flips, all refused',
    });
  });
});
