import { Option, type Command } from 'commander';
import type { FleetCloud } from '../cloud/fleet/mod.js';
import type { DeviceDescription, DeviceModel, DeviceSummary } from '../fleet/mod.js';
import type { CommandLine, Run } from './command.js';
import { parseNumber, parseTime } from './options.js';
import type { Printer } from '../print/mod.js';
import { agreed, withCloud } from './session.js';

interface Common {
  readonly json?: boolean;
  readonly yes?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  const device = program
    .command('device')
    .description('the devices of a fleet')
    .addHelpText(
      'after',
      `
On AWS, with credentials of the account and AWS_REGION set:
  edge-manager device register FLEET DEVICE...      its things exist: Greengrass provisioned them
  edge-manager device list FLEET
  edge-manager device describe FLEET DEVICE
The permissions that it takes: docs/fleets.md`,
    );
  const onFleet = (name: string, description: string): Command =>
    device
      .command(name)
      .description(description)
      .argument('<fleet>', 'thing group')
      .option('--json', 'print JSON');
  onFleet('register', 'put devices into a fleet; safe to repeat')
    .argument('<device...>', 'name, or name=thing where the thing has another name')
    .option('--description <text>', 'of these devices, at most 40 characters')
    .option('--create-things', 'create things that do not exist')
    .option('--yes', 'do not ask')
    .action(line.runs(withCloud(registerAll)));
  onFleet('deregister', 'take devices out of a fleet; their things stay')
    .argument('<device...>', 'names of devices or things')
    .option('--delete-things', 'delete the things too: AWS refuses that while certificates are attached')
    .option('--yes', 'do not ask')
    .action(line.runs(withCloud(deregister)));
  onFleet('list', 'list the devices of a fleet')
    .option('--model <name>', 'only those that report this model')
    .addOption(
      new Option('--heartbeat-after <time>', 'only those that reported since (ISO 8601)').argParser(
        parseTime,
      ),
    )
    .option('--limit <n>', 'at most so many', parseNumber, 100)
    .action(line.runs(withCloud(list)));
  onFleet('describe', 'show a device: registration, connectivity, last heartbeat')
    .argument('<device>', 'name of device or thing')
    .action(line.runs(withCloud(describe)));
}

async function registerAll(
  run: Run,
  cloud: FleetCloud,
  fleet: string,
  names: readonly string[],
  options: Common & { description?: string; createThings?: boolean },
): Promise<void> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { describeSteps, parseDevices, proposeRegistration, registerDevices } =
    await import('../fleet/mod.js');
  const { print } = run;
  const devices = parseDevices(names, options.description);
  const steps = await proposeRegistration(cloud, fleet, devices, {
    clock: systemClock,
    createThings: options.createThings ?? false,
  });
  if (options.json !== true) {
    if (steps.length === 0) return print.line('Registered already');
    print.table(['action', 'on', 'what'], describeSteps(steps));
  }
  if (steps.length > 0 && !(await agreed(run, options))) return;
  await registerDevices(cloud, fleet, steps);
  if (options.json === true) return print.json({ fleet, done: steps });
  print.line(`Registered ${devices.length} devices in ${fleet}`);
}

async function deregister(
  run: Run,
  cloud: FleetCloud,
  fleet: string,
  names: readonly string[],
  options: Common & { deleteThings?: boolean },
): Promise<void> {
  const { deregisterDevices, thingsNamed } = await import('../fleet/mod.js');
  const { print } = run;
  const things = await thingsNamed(cloud, 'deregister devices', fleet, names);
  const deleteThings = options.deleteThings ?? false;
  if (options.json !== true)
    print.line(`${deleteThings ? 'Delete' : `Take out of ${fleet}`}: ${things.join(', ')}`);
  if (!(await agreed(run, options))) return;
  await deregisterDevices(cloud, fleet, things, { deleteThings });
  if (options.json === true) return print.json({ fleet, deregistered: things, deleted: deleteThings });
  print.line(`Deregistered ${things.length} devices`);
}

async function list(
  { print }: Run,
  cloud: FleetCloud,
  fleet: string,
  options: Common & { model?: string; heartbeatAfter?: number; limit: number },
): Promise<void> {
  const { listDevices } = await import('../fleet/mod.js');
  const { model, heartbeatAfter, limit } = options;
  const devices = await listDevices(cloud, fleet, {
    limit,
    ...(model === undefined ? {} : { model }),
    ...(heartbeatAfter === undefined ? {} : { heartbeatAfterMs: heartbeatAfter }),
  });
  if (options.json === true) return print.json(devices);
  print.table(
    ['device', 'thing', 'connected', 'last heartbeat', 'agent', 'models'],
    devices.map((one) => [
      one.deviceName,
      one.iotThingName,
      connectedText(one),
      one.latestHeartbeat ?? '',
      one.agentVersion ?? '',
      one.models.map((each) => `${each.modelName} ${each.modelVersion}`),
    ]),
  );
  if (devices.some((one) => one.connected === undefined))
    print.line(`Connectivity is unknown without fleet indexing: edge-manager report ${fleet} --set-up`);
}

async function describe(
  { print }: Run,
  cloud: FleetCloud,
  fleet: string,
  name: string,
  options: Common,
): Promise<void> {
  const { describeDevice } = await import('../fleet/mod.js');
  const found = await describeDevice(cloud, fleet, name);
  if (options.json === true) return print.json(found);
  printDevice(print, found);
}

function printDevice(print: Printer, found: DeviceDescription): void {
  const { capture, lastError, uploadError, unconfined } = found.heartbeat ?? {};
  const since = found.connectivityTime === undefined ? '' : ` since ${found.connectivityTime}`;
  print.table(
    ['device', found.deviceName],
    [
      ['thing', found.deviceArn],
      ['fleet', found.deviceFleetName],
      ['description', found.description ?? ''],
      ['registered', found.registrationTime ?? ''],
      ['connected', `${connectedText(found)}${since}`],
      ['last heartbeat', found.latestHeartbeat ?? 'none'],
      ['agent', found.agentVersion ?? ''],
      ...(capture === undefined
        ? []
        : [
            [
              'captures',
              `${capture.delivered} delivered, ${capture.queuedRecords} queued, ${capture.dropped} dropped`,
            ],
          ]),
      ...(unconfined === undefined ? [] : [['hosts are not confined', unconfined]]),
      ...(lastError === undefined ? [] : [['last error', `${lastError.code}: ${lastError.message}`]]),
      ...(uploadError === undefined
        ? []
        : [['the uploader refuses its configuration', `${uploadError.code}: ${uploadError.message}`]]),
    ],
  );
  if (found.models.length === 0) return;
  print.table(
    ['model', 'version', 'state', 'last inference', 'last sample'],
    found.models.map((one) => [
      one.modelName,
      one.modelVersion,
      stateText(one),
      one.latestInference ?? '',
      one.latestSampleTime ?? '',
    ]),
  );
}

function connectedText({ connected }: DeviceSummary): string {
  return connected === undefined ? 'unknown' : connected ? 'yes' : 'no';
}

function stateText({ state, drifted }: DeviceModel): string {
  return drifted ? `${state}, drifted` : state;
}
