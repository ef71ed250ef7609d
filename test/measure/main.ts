import { parseArgs } from 'node:util';
import { renderJson, renderTable } from './render.js';
import { holds, measureTree } from './measures.js';

const USAGE = `npm run measure [-- --json]

Prints figures of the product's source beside their limits, and what breaks one. Exit code 1 where one is broken.`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    root: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) {
  console.log(USAGE);
} else {
  const measures = measureTree(values.root ?? process.cwd());
  console.log(values.json ? renderJson(measures) : renderTable(measures));
  process.exitCode = measures.every(holds) ? 0 : 1;
}
