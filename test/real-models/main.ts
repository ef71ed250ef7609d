import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { AgentBench } from '../lib/agent-process.js';
import { keyPair } from '../lib/model-package.js';
import { REAL_MODELS } from './list.js';
import { isThere, makeSources } from './sources.js';
import { tableOf, withTable, type Row } from './table.js';
import { goWay } from './way.js';

/**
 * `npm run real-models [-- --write] [FOLDER]`: takes the models of others from their exporters to an app's answer,
 * and prints the table of docs/models.md (`--write` puts it there). Python's part stays in FOLDER, by default one
 * below the system's temporary one.
 */
const write = process.argv.includes('--write');
const [kept = join(tmpdir(), 'edge-manager-real-models')] = process.argv
  .slice(2)
  .filter((one) => !one.startsWith('-'));
const PAGE = join(ROOT, 'docs', 'models.md');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

await mkdir(kept, { recursive: true });
say(`Python's packages and the models: ${kept}`);
const sources = await makeSources(kept, say);
const folder = await mkdtemp(join(tmpdir(), 'edge-manager-models-'));
const [key, trust] = [join(folder, 'key.pem'), join(folder, 'public.pem')];
const { privatePem, publicPem } = keyPair();
await Promise.all([writeFile(key, privatePem), writeFile(trust, publicPem)]);
const bench = await AgentBench.create({
  configuration: {
    signature: { policy: 'required', trustedKeys: [publicPem] },
    probation: { enabled: false },
  },
});
const rows: Row[] = [];
const failures: string[] = [];
try {
  await bench.start();
  const app = await bench.app();
  for (const model of REAL_MODELS) {
    say(model.name);
    const isHere = await isThere(sources.fileOf(model));
    try {
      const way = { folder, sources, key, trust, bench, app };
      rows.push({ model, measured: isHere ? await goWay(model, way) : undefined });
    } catch (error) {
      failures.push(`${model.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
} finally {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
const table = tableOf(rows);
console.log(table);
for (const failure of failures) console.error(`FAILED ${failure}`);
if (write && failures.length === 0) await writeFile(PAGE, withTable(await readFile(PAGE, 'utf8'), table));
process.exitCode = failures.length === 0 ? 0 : 1;
