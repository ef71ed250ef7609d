import { once } from 'node:events';
import { AgentTwins } from '../../lib/agent-twins.js';

// One activation to be killed: `activation-process FOLDER PACKAGE`. It says `ready`, waits for a line, and says
// `switched` after the switch and `done` after the way back.
const [folder = '', path = ''] = process.argv.slice(2);
const twins = await AgentTwins.create({ folder });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
await twins.register(path);
process.stdout.write('switched\n');
await twins.agent.manager.failures.rollBack('Model', 'a test');
await twins.agent.manager.settled();
process.stdout.write('done\n');
process.exit(0);
