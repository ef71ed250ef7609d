import { parseArgs } from 'node:util';
import { PROFILES } from '../../src/local/nucleus/api/mod.js';
import { runFleetDemo } from '../fleet/mod.js';
import { ENGINES } from './engine.js';
import { runVoiceDemo } from './voice-demo.js';

const USAGE = `npm run demo [-- --profile nucleus|lite] [--engine node|python] [--chaos | --fleet] [--json] [--folder DIR]

  --profile  the nucleus to run as (default nucleus)
  --engine   what runs the model: the agent's own Node, or this machine's python3 with its numpy and onnxruntime
             (default node)
  --chaos    stop S3 for the middle third, kill uploader and control process twice each,
             restart IPC and the token exchange twice each
  --fleet    a local cloud and three devices: staged rollouts of 5, 6 and a broken 7, and the fleet's report
  --json     end with one line of figures
  --folder   keep packages and S3 data there (default: a temporary folder that goes)`;

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'nucleus' },
    engine: { type: 'string', default: 'node' },
    chaos: { type: 'boolean', default: false },
    fleet: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    folder: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const profile = chosen('profile', PROFILES);
const engine = chosen('engine', ENGINES);
const failures = await run();
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);

function chosen<Name extends string>(flag: 'profile' | 'engine', names: readonly Name[]): Name {
  const found = names.find((name) => name === values[flag]);
  if (found !== undefined) return found;
  console.error(
    `Cannot run the demo as --${flag} must be one of ${names.join(', ')}: current value is ${values[flag]}`,
  );
  process.exit(1);
}

async function run(): Promise<readonly string[]> {
  try {
    if (values.fleet) return await runFleet();
    return await runVoiceDemo({
      profile,
      engine,
      json: values.json,
      chaos: values.chaos,
      ...(values.folder === undefined ? {} : { folder: values.folder }),
    });
  } catch (thrown) {
    return [thrown instanceof Error ? thrown.message : String(thrown)];
  }
}

/** Ctrl-C ends the devices' processes too. */
async function runFleet(): Promise<readonly string[]> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => ending.abort(new Error(`it was ended by ${signal}`)));
  }
  const folder = values.folder === undefined ? {} : { folder: values.folder };
  try {
    return await runFleetDemo({ json: values.json, signal: ending.signal, ...folder });
  } catch (thrown) {
    throw ending.signal.aborted ? ending.signal.reason : thrown;
  }
}
