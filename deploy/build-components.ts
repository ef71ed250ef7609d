import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildProject, CODE_COMPONENTS, platformsOf } from './build/mod.js';
import { Printer } from './print/mod.js';

/** `npm run build:components [-- --platform NAME|here] [--json] [--with-node FOLDER]`: all device artifacts, with their sizes beside the goals. */
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const print = new Printer({ out: process.stdout, error: process.stderr });

try {
  const { values } = parseArgs({
    options: { platform: { type: 'string' }, json: { type: 'boolean' }, 'with-node': { type: 'string' } },
  });
  const nodeFolder = values['with-node'];
  const platforms = platformsOf(values.platform);
  const rows: { component: string; platform: string; megabytes: number; goalMegabytes: number }[] = [];
  for (const component of CODE_COMPONENTS) {
    print.aside(`Building ${component.name} ...`);
    const folder = join(root, component.folder);
    await buildProject(folder, { root, platforms, ...(nodeFolder === undefined ? {} : { nodeFolder }) });
    for (const platform of platforms) {
      const file = join(
        folder,
        'greengrass-build/artifacts',
        component.name,
        'NEXT_PATCH',
        `${component.artifact}-${platform.name}.zip`,
      );
      rows.push({
        component: component.name,
        platform: platform.name,
        megabytes: Math.round((await stat(file)).size / 1e5) / 10,
        goalMegabytes: component.goalZipMb[platform.name] ?? Number.NaN,
      });
    }
  }
  if (values.json === true) print.json(rows);
  else {
    print.table(
      ['component', 'platform', 'zip', 'goal'],
      rows.map((row) => [row.component, row.platform, `${row.megabytes} MB`, `<= ${row.goalMegabytes} MB`]),
    );
  }
} catch (thrown) {
  print.failure(thrown);
  process.exitCode = 1;
}
