import { parseArgs } from 'node:util';
import { PROFILES, type Profile } from '../../src/local/nucleus/api/mod.js';
import { runFleetDemo } from '../fleet/mod.js';
import { runVoiceDemo } from './voice-demo.js';

const USAGE = `npm run demo [-- --profile nucleus|lite] [--chaos | --fleet] [--json] [--folder DIR]

  --profile  the nucleus to run as (default nucleus)
  --chaos    stop S3 for the middle third, kill uploader and control process twice each,
             restart IPC and the token exchange twice each
  --fleet    a local cloud and three devices: staged rollouts of 5, 6 and a broken 7, and the fleet's report
  --json     end with one line of figures
  --folder   keep packages and S3 data there (default: a temporary folder that goes)`;

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'nucleus' },
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
const profile = PROFILES.find((name) => name === values.profile);
if (profile === undefined) {
  console.error(
    `Cannot run the demo as --profile must be one of ${PROFILES.join(', ')}: current value is ${values.profile}`,
  );
  process.exit(1);
}
const failures = await run(profile);
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);

async function run(chosen: Profile): Promise<readonly string[]> {
  try {
    if (values.fleet) return await runFleet();
    return await runVoiceDemo({
      profile: chosen,
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
