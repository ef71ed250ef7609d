import type { Profile } from '../../src/local/nucleus/mod.js';
import { folderStore, startNucleus } from '../../src/local/nucleus/mod.js';

/**
 * A nucleus in a process of its own, for tests that kill it: root, profile, build folder, component, version.
 * Tells its parent when the component is deployed.
 */
const [root = '', profile = 'nucleus', build = '', component = '', version = ''] = process.argv.slice(2);
const nucleus = await startNucleus({
  rootPath: root,
  profile: profile as Profile,
  thingName: 'TestThing',
  region: 'eu-west-1',
  store: await folderStore({ path: build }),
});
const result = await nucleus.deploy({
  deploymentId: 'child',
  components: { [component]: { componentVersion: version } },
});
process.send?.(result);
