import { Option, type Command } from 'commander';
import { EdgeError } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import {
  deregisterDevices,
  describeDevice,
  describeSteps,
  listDevices,
  parseDevices,
  proposeRegistration,
  registerDevices,
  thingsNamed,
  type DeviceDescription,
  type DeviceModel,
  type DeviceSummary,
} from '../fleet/mod.js';
import { parseNumber, printJson, printLine, printTable } from './output.js';
import { agreed, withCloud } from './session.js';

interface Common {
  readonly json?: boolean;
  readonly yes?: boolean;
}

export function register(program: Command): void {
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
    .action(registerAction);
  onFleet('deregister', 'take devices out of a fleet; their things stay')
    .argument('<device...>', 'names of devices or things')
    .option('--delete-things', 'delete the things too: AWS refuses that while certificates are attached')
    .option('--yes', 'do not ask')
    .action(deregisterAction);
  onFleet('list', 'list the devices of a fleet')
    .option('--model <name>', 'only those that report this model')
    .addOption(
      new Option('--heartbeat-after <time>', 'only those that reported since (ISO 8601)').argParser(
        parseTime,
      ),
    )
    .option('--limit <n>', 'at most so many', parseNumber, 100)
    .action(listAction);
  onFleet('describe', 'show a device: registration, connectivity, last heartbeat')
    .argument('<device>', 'name of device or thing')
    .action((fleet: string, name: string, options: Common) =>
      withCloud(async (cloud) => {
        const found = await describeDevice(cloud, fleet, name);
        if (options.json === true) return printJson(found);
        printDevice(found);
      }),
    );
}

async function registerAction(
  fleet: string,
  names: readonly string[],
  options: Common & { description?: string; createThings?: boolean },
): Promise<void> {
  const devices = parseDevices(names, options.description);
  await withCloud(async (cloud) => {
    const steps = await proposeRegistration(cloud, fleet, devices, {
      clock: systemClock,
      createThings: options.createThings ?? false,
    });
    if (options.json !== true) {
      if (steps.length === 0) return printLine('Registered already');
      printTable(['action', 'on', 'what'], describeSteps(steps));
    }
    if (steps.length > 0 && !(await agreed(options))) return;
    await registerDevices(cloud, fleet, steps);
    if (options.json === true) return printJson({ fleet, done: steps });
    printLine(`Registered ${devices.length} devices in ${fleet}`);
  });
}

async function deregisterAction(
  fleet: string,
  names: readonly string[],
  options: Common & { deleteThings?: boolean },
): Promise<void> {
  await withCloud(async (cloud) => {
    const things = await thingsNamed(cloud, 'deregister devices', fleet, names);
    const deleteThings = options.deleteThings ?? false;
    if (options.json !== true)
      printLine(`${deleteThings ? 'Delete' : `Take out of ${fleet}`}: ${things.join(', ')}`);
    if (!(await agreed(options))) return;
    await deregisterDevices(cloud, fleet, things, { deleteThings });
    if (options.json === true) return printJson({ fleet, deregistered: things, deleted: deleteThings });
    printLine(`Deregistered ${things.length} devices`);
  });
}

async function listAction(
  fleet: string,
  options: Common & { model?: string; heartbeatAfter?: number; limit: number },
): Promise<void> {
  await withCloud(async (cloud) => {
    const { model, heartbeatAfter, limit } = options;
    const devices = await listDevices(cloud, fleet, {
      limit,
      ...(model === undefined ? {} : { model }),
      ...(heartbeatAfter === undefined ? {} : { heartbeatAfterMs: heartbeatAfter }),
    });
    if (options.json === true) return printJson(devices);
    printTable(
      ['device', 'thing', 'connected', 'last heartbeat', 'agent', 'models'],
      devices.map((one) => [
        one.deviceName,
        one.iotThingName,
        connectedText(one),
        one.latestHeartbeat ?? '',
        one.agentVersion ?? '',
        one.models.map((model) => `${model.modelName} ${model.modelVersion}`).join('\n'),
      ]),
    );
    if (devices.some((one) => one.connected === undefined))
      printLine(`Connectivity is unknown without fleet indexing: edge-manager report ${fleet} --set-up`);
  });
}

function printDevice(found: DeviceDescription): void {
  const { capture, lastError } = found.heartbeat ?? {};
  const since = found.connectivityTime === undefined ? '' : ` since ${found.connectivityTime}`;
  printTable(
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
      ...(lastError === undefined ? [] : [['last error', `${lastError.code}: ${lastError.message}`]]),
    ],
  );
  if (found.models.length === 0) return;
  printTable(
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

function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new EdgeError(
    'OPTION_INVALID',
    `Cannot read the option as it must be a time such as 2026-01-31T12:00:00Z: current value is ${text}`,
  );
}
