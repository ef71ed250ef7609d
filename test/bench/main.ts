import { mkdirSync, writeFileSync } from 'node:fs';
import Table from 'cli-table3';
import type { Figure, FigureRow } from './figure.js';
import { loopGap, predictLarge, predictSmall } from './predict.js';
import { startRig } from './rig.js';

/** All figures; `npm run bench -- NAME...` runs some. */
const FIGURES: readonly Figure[] = [predictSmall, predictLarge, loopGap];

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const unknown = names.filter((name) => !FIGURES.some((figure) => figure.name === name));
if (unknown.length > 0) {
  console.error(
    `Cannot run ${unknown.join(', ')}: known are ${FIGURES.map((figure) => figure.name).join(', ')}`,
  );
  process.exit(1);
}

const rows: FigureRow[] = [];
const rig = await startRig();
try {
  for (const figure of FIGURES.filter((candidate) => names.length === 0 || names.includes(candidate.name))) {
    process.stderr.write(`${figure.name}: ${figure.about}\n`);
    rows.push(...(await figure.run(rig)));
  }
} finally {
  await rig.close();
}

const table = new Table({ head: ['figure', 'value', 'goal', 'met', 'measured beside it'] });
for (const row of rows) {
  const detail = Object.entries(row.detail)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  table.push([row.figure, `${row.value} ${row.unit}`, row.goal, row.met ? 'yes' : 'NO', detail]);
}
console.log(table.toString());
mkdirSync('bench', { recursive: true });
writeFileSync(
  'bench/results.json',
  `${JSON.stringify({ node: process.version, arch: process.arch, rows }, undefined, 2)}\n`,
);
