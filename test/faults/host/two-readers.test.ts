import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
/** Mutants between two lines about a long run. */
const PROGRESS = 100_000;
/** Another one each day, so that CI does not try the same mutants for ever. */
const SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/**
 * One file of the corpus: of each kind that the check refuses, and of each that readers once took differently or
 * might, one or two.
 */
interface CorpusFile {
  readonly what: string;
  /** Words of the refusal; absent where the file is accepted. */
  readonly refused?: string;
  /** In base64. */
  readonly model: string;
}

async function corpus(): Promise<readonly CorpusFile[]> {
  const text = await readFile('test/data/onnx-corpus/mutants.json', 'utf8');
  return JSON.parse(text) as readonly CorpusFile[];
}

/** S1 of the promises: what our check accepts is the graph that ONNX Runtime reads. */
describe('S1: one file, two readers', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-readback-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('hold to the verdict on each file of the corpus', async () => {
    using runtime = new ReadBackRuntime(folder);
    for (const { what, model, refused } of await corpus()) {
      const bytes = Buffer.from(model, 'base64');
      const verdict = verdictOf(bytes);
      if (refused !== undefined) {
        assert.ok(typeof verdict === 'string' && verdict.includes(refused), `${what}: ${wordsOf(verdict)}`);
        continue;
      }
      assert.ok(typeof verdict !== 'string', `${what}: ${wordsOf(verdict)}`);
      const theirs = await runtime.read(bytes);
      assert.ok(theirs.kind === 'read', `${what}: ${JSON.stringify(theirs)}`);
      assert.deepEqual(differencesOf(accountOf(bytes), accountOf(theirs.model), namesOf(verdict)), [], what);
    }
  });

  it(`agree on ${MUTANTS} mutants, or ours refuses`, async () => {
    console.log(`      seed ${SEED} (EDGE_MANAGER_SEED)`);
    using runtime = new ReadBackRuntime(folder);
    const seeds = [...oneNodeModels(), sumModel(), loopModel('input')];
    const mutator = new OnnxMutator(seeds, new SeededRandom(SEED));
    const counts = { refused: 0, read: 0, refusedThere: 0, died: 0 };
    const differences: string[] = [];
    for (let index = 0; index < MUTANTS; index++) {
      if (index > 0 && index % PROGRESS === 0) console.log(`      ${index}: ${JSON.stringify(counts)}`);
      const mutant = mutator.next();
      const facts = verdictOf(mutant);
      if (typeof facts === 'string') {
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

/** What the check finds in a model, or why it refuses it. */
function verdictOf(model: Uint8Array): ModelFacts | string {
  try {
    return checkModelBytes(model);
  } catch (error) {
    assert.ok(error instanceof EdgeError && error.code === 'FAILED_PRECONDITION', String(error));
    return error.message;
  }
}

function wordsOf(verdict: ModelFacts | string): string {
  return typeof verdict === 'string' ? verdict : 'accepted';
}

function namesOf({ inputs, outputs }: ModelFacts): { inputs: string[]; outputs: string[] } {
  return { inputs: inputs.map(({ name }) => name), outputs: outputs.map(({ name }) => name) };
}
