import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Option, type Command } from 'commander';
import { parse } from 'yaml';
import { EdgeError, messageOf, validate, type JsonObject } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { makeLocalCredentials } from '../../src/local/cloud/credentials.js';
import { startLocalS3 } from '../../src/local/cloud/s3/mod.js';
import {
  folderStore,
  PROFILES,
  removeNucleusRoot,
  startNucleus,
  type FolderStore,
  type Profile,
  type WantedComponent,
} from '../../src/local/nucleus/mod.js';
import { printLine } from './output.js';

interface Options {
  profile: Profile;
  folder?: string;
  thing: string;
  region: string;
  bucket: string;
  buildVersion: string;
  deployment?: string;
  json?: boolean;
}

/** The part of a deployment that a person writes: components with version and configuration. */
const DeploymentFile = Type.Object(
  {
    components: Type.Record(
      Type.String(),
      Type.Object(
        {
          componentVersion: Type.String(),
          configurationUpdate: Type.Optional(
            Type.Object(
              {
                reset: Type.Optional(Type.Array(Type.String())),
                merge: Type.Optional(Type.Unsafe<JsonObject>(Type.Object({}))),
              },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export function register(program: Command): void {
  program
    .command('dev')
    .description('run a local Greengrass nucleus and a local S3 for development, until Ctrl-C')
    .argument('[builds...]', 'folders that hold a greengrass-build; all their components are deployed')
    .addOption(
      new Option('--profile <profile>', 'nucleus to run as').choices([...PROFILES]).default('nucleus'),
    )
    .option('--folder <folder>', "where S3's data stays (default: a temporary folder)")
    .option('--thing <name>', 'thing name of the device', 'dev-device')
    .option('--region <region>', 'AWS region that components see', 'eu-west-1')
    .option('--bucket <name>', 'bucket made in the local S3', 'edge-manager-captures')
    .option('--build-version <version>', 'version for builds that say NEXT_PATCH', '1.0.0')
    .option('--deployment <file>', 'YAML or JSON with `components`, as CreateDeployment takes it')
    .option('--json', 'one JSON object a line')
    .action(async (builds: string[], options: Options) => runDev(builds, options));
}

async function runDev(builds: readonly string[], options: Options): Promise<void> {
  const tell = (event: JsonObject, text: string): void => {
    if (options.json === true) printLine(JSON.stringify(event));
    else printLine(text);
  };
  const folder = resolve(options.folder ?? (await mkdtemp(join(tmpdir(), 'edge-dev-'))));
  await mkdir(folder, { recursive: true });
  const store = await folderStore();
  const wanted = await wantedComponents(store, builds, options);
  const credentials = makeLocalCredentials(systemClock);
  const s3 = await startLocalS3({
    folder: join(folder, 's3'),
    credentials: [credentials.keys],
    buckets: [options.bucket],
    region: options.region,
  });
  // The socket's path must be short.
  const rootPath = await mkdtemp(join(tmpdir(), 'gg-'));
  const nucleus = await startNucleus({
    rootPath,
    profile: options.profile,
    thingName: options.thing,
    region: options.region,
    store,
    credentials: credentials.forDevice,
  });
  nucleus.onState((name, state) => tell({ component: name, state }, `${name}: ${state}`));
  tell(
    { rootPath, logs: join(rootPath, 'logs'), s3: s3.endpoint, data: folder },
    [
      `Greengrass root ${rootPath} (${options.profile}), logs in ${join(rootPath, 'logs')}`,
      `S3 at ${s3.endpoint}, bucket ${options.bucket}, data in ${folder}`,
    ].join('\n'),
  );
  if (Object.keys(wanted).length > 0) {
    const result = await nucleus.deploy({ deploymentId: 'dev', components: wanted });
    tell({ ...result }, `Deployment ${result.status}${result.reason === '' ? '' : `: ${result.reason}`}`);
  }
  await new Promise<void>((done) => {
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
  });
  await nucleus.close();
  await s3.close();
  await removeNucleusRoot(rootPath);
}

/** What the builds hold, with versions and configuration of the deployment file where there is one. */
async function wantedComponents(
  store: FolderStore,
  builds: readonly string[],
  options: Options,
): Promise<Record<string, WantedComponent>> {
  const wanted: Record<string, WantedComponent> = {};
  for (const build of builds) {
    const { name, version } = await store.add({ path: resolve(build), version: options.buildVersion });
    wanted[name] = { componentVersion: version };
  }
  if (options.deployment === undefined) return wanted;
  const file = options.deployment;
  let value: unknown;
  try {
    value = parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new EdgeError('FILE_UNREADABLE', `Cannot read the deployment ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
  const { components } = validate(DeploymentFile, value, `Cannot read the deployment ${file}`);
  for (const [name, { componentVersion, configurationUpdate }] of Object.entries(components)) {
    const { reset, merge } = configurationUpdate ?? {};
    wanted[name] = {
      componentVersion,
      configurationUpdate: {
        ...(reset === undefined ? {} : { reset }),
        ...(merge === undefined ? {} : { merge }),
      },
    };
  }
  return wanted;
}
