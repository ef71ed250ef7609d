import { once } from 'node:events';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

// One activation to be killed: `activation-process FOLDER PACKAGE`. It says `ready`, waits for a line, and says
// `switched` after the switch and `done` after the way back.
const [folder = '', path = ''] = process.argv.slice(2);
const twins = await AgentTwins.create({ folder });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
await twins.register(path);
process.stdout.write('switched\n');
// Two deaths in its first runs, and the former version takes over.
for (const deaths of [1, 2]) {
  await until(() => twins.hosts.loaded.includes('Model@2.0.0'), `it is loaded before death ${deaths}`);
  twins.hosts.crash('Model@2.0.0');
}
await twins.event('ROLLED_BACK');
await twins.agent.manager.settled();
process.stdout.write('done\n');
process.exit(0);
