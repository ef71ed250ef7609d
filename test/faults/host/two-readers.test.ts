import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError, SeededRandom } from '../../../src/core/mod.js';
import { checkModelBytes, type ModelFacts } from '../../../src/onnx/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { oneNodeModels } from '../../lib/hostile-models.js';
import { accountOf, differencesOf } from '../../lib/onnx-account.js';
import { OnnxMutator } from '../../lib/onnx-mutator.js';
import { loopModel, sumModel } from '../../lib/onnx-builder.js';
import { ReadBackRuntime } from '../../lib/readback.js';

const MUTANTS = longRun() ? 1_000_000 : 20_000;
/** Accepted ones are read back until there are so many; the rest of a short run is only checked. */
const LEAST_READ_BACK = 2_000;
/** Another one each day, so that CI does not try the same mutants for ever. */
const SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/** S1 of the promises: what our check accepts is the graph that ONNX Runtime reads. */
describe('S1: one file, two readers', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-readback-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it(`agree on ${MUTANTS} mutants, or ours refuses`, async () => {
    console.log(`      seed ${SEED} (EDGE_MANAGER_SEED)`);
    using runtime = new ReadBackRuntime(folder);
    const seeds = [...oneNodeModels(), sumModel(), loopModel('input')];
    const mutator = new OnnxMutator(seeds, new SeededRandom(SEED));
    const counts = { refused: 0, read: 0, refusedThere: 0, died: 0 };
    const differences: string[] = [];
    for (let index = 0; index < MUTANTS; index++) {
      const mutant = mutator.next();
      const facts = checked(mutant);
      if (facts === undefined) {
        counts.refused++;
        continue;
      }
      const theirs = await runtime.read(mutant);
      if (theirs.kind === 'died') counts.died++;
      else if (theirs.kind === 'refused') counts.refusedThere++;
      else {
        counts.read++;
        const found = differencesOf(accountOf(mutant), accountOf(theirs.model), namesOf(facts));
        if (found.length > 0)
          differences.push(`${found.join('; ')} in ${Buffer.from(mutant).toString('base64')}`);
      }
      if (!longRun() && counts.read >= LEAST_READ_BACK && index >= 5000) break;
    }
    assert.deepEqual(differences, []);
    assert.ok(counts.read >= LEAST_READ_BACK, `${counts.read} were read back`);
    reportFaultRow({
      row: 'S1',
      cycles: counts.refused + counts.read + counts.refusedThere + counts.died,
      lost: 0,
      duplicated: 0,
      corrupt: differences.length,
      note: `${counts.read} read back as the same graph, ${counts.refused} refused here, ${counts.refusedThere} there, ${counts.died} ended their process`,
    });
  });
});

function checked(model: Uint8Array): ModelFacts | undefined {
  try {
    return checkModelBytes(model);
  } catch (error) {
    assert.ok(error instanceof EdgeError && error.code === 'FAILED_PRECONDITION', String(error));
    return undefined;
  }
}

function namesOf({ inputs, outputs }: ModelFacts): { inputs: string[]; outputs: string[] } {
  return { inputs: inputs.map(({ name }) => name), outputs: outputs.map(({ name }) => name) };
}
