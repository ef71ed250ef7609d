import { AGENT_COMPONENT, UPLOADER_COMPONENT } from '../../src/contract/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { join, resolve } from '../../src/disk/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { makeLocalCredentials } from '../../src/local/cloud/mod.js';
import { startLocalS3 } from '../../src/local/cloud/s3/mod.js';
import {
  folderStore,
  removeNucleusRoot,
  startNucleus,
  type FolderStore,
  type Profile,
  type WantedComponent,
} from '../../src/local/nucleus/mod.js';
import { readRecipe } from '../../src/recipe/mod.js';
import { freshFolder, makeFolder } from '../files/mod.js';
import { readPublicPem } from '../sign/mod.js';
import { readDeployment } from './deployment-file.js';

export interface DevelopmentOptions {
  /** Folders that hold a greengrass-build; all their components are deployed. */
  readonly builds: readonly string[];
  readonly profile: Profile;
  /** Where S3's data stays. Default: a temporary folder. */
  readonly folder?: string | undefined;
  readonly thing: string;
  readonly region: string;
  /** Made in the local S3. */
  readonly bucket: string;
  /** For builds that say NEXT_PATCH. */
  readonly buildVersion: string;
  /** File with `components`, as CreateDeployment takes it. */
  readonly deployment?: string | undefined;
  /** Files of public keys or certificates whose signatures the agent accepts. */
  readonly trust?: readonly string[] | undefined;
  /** What has happened, for machines and for people. */
  readonly tell: (event: JsonObject, text: string) => void;
}

/** A local nucleus beside a local S3, with what was built deployed on it. */
export async function startDevelopment(options: DevelopmentOptions): Promise<{ close(): Promise<void> }> {
  const { profile, region, tell } = options;
  const data = resolve(options.folder ?? (await freshFolder('edge-dev-')));
  await makeFolder(data);
  const store = await folderStore();
  const built = await wantedComponents(store, options);
  const trustedKeys = await Promise.all((options.trust ?? []).map(readPublicPem));
  const credentials = makeLocalCredentials(systemClock);
  const s3 = await startLocalS3({
    folder: join(data, 's3'),
    credentials: [credentials.keys],
    buckets: [options.bucket],
    region,
  });
  const components = atHome(built, { options, endpoint: s3.endpoint, trustedKeys });
  // The socket's path must be short.
  const rootPath = await freshFolder('gg-');
  const device = { rootPath, profile, thingName: options.thing, region };
  const nucleus = await startNucleus({ ...device, store, credentials: credentials.forDevice });
  nucleus.onState((name, state) => tell({ component: name, state }, `${name}: ${state}`));
  tellPlaces(options, {
    rootPath,
    s3: s3.endpoint,
    data,
    hasAgent: components[AGENT_COMPONENT] !== undefined,
  });
  if (Object.keys(components).length > 0) {
    const result = await nucleus.deploy({
      deploymentId: 'dev',
      components,
    });
    const why = result.reason === '' ? '' : `: ${result.reason} (see ${join(rootPath, 'logs')})`;
    tell({ ...result }, `Deployment ${result.status}${why}`);
  }
  return {
    close: async () => {
      await nucleus.close();
      await s3.close();
      await removeNucleusRoot(rootPath);
    },
  };
}

function tellPlaces(
  { tell, profile, bucket }: DevelopmentOptions,
  places: {
    readonly rootPath: string;
    readonly s3: string;
    readonly data: string;
    readonly hasAgent: boolean;
  },
): void {
  const { rootPath, s3, data, hasAgent } = places;
  const logs = join(rootPath, 'logs');
  const endpoint = join(rootPath, 'work', AGENT_COMPONENT, 'endpoint.sock');
  tell(
    { rootPath, logs, s3, data, ...(hasAgent ? { endpoint } : {}) },
    `Greengrass root ${rootPath} (${profile}), logs in ${logs}\nS3 at ${s3}, bucket ${bucket}, data in ${data}${hasAgent ? `\nThe agent's local endpoint: ${endpoint}` : ''}`,
  );
}

/**
 * Agent and uploader as they are of use on a laptop: captures go to the local S3, and apps may come by the local
 * endpoint. The deployment's own keys win.
 */
function atHome(
  components: Readonly<Record<string, WantedComponent>>,
  {
    options: { bucket, region },
    endpoint,
    trustedKeys,
  }: {
    readonly options: DevelopmentOptions;
    readonly endpoint: string;
    readonly trustedKeys: readonly string[];
  },
): Record<string, WantedComponent> {
  const under: Readonly<Record<string, JsonObject>> = {
    [UPLOADER_COMPONENT]: {
      bucket,
      region,
      endpoint,
      forcePathStyle: true,
      // One device alone need not spread its first attempt as a fleet does.
      startSpreadSeconds: 0,
      scanPeriodSeconds: 2,
    },
    [AGENT_COMPONENT]: {
      endpoint: {},
      ...(trustedKeys.length === 0 ? {} : { signature: { trustedKeys: [...trustedKeys] } }),
    },
  };
  return Object.fromEntries(
    Object.entries(components).map(([name, wanted]) => {
      const merge = { ...under[name], ...wanted.configurationUpdate?.merge };
      const update = { ...wanted.configurationUpdate, merge };
      return [name, under[name] === undefined ? wanted : { ...wanted, configurationUpdate: update }];
    }),
  );
}

/** What the builds hold, with versions and configuration of the deployment file where there is one. */
async function wantedComponents(
  store: FolderStore,
  { builds, buildVersion, deployment, profile, tell }: DevelopmentOptions,
): Promise<Record<string, WantedComponent>> {
  const built: Record<string, WantedComponent> = {};
  for (const build of builds) {
    const { name, version } = await store.add({ path: resolve(build), nextVersion: buildVersion });
    built[name] = { componentVersion: version };
    for (const warning of readRecipe(await store.recipe(name, version), profile).warnings)
      tell({ component: name, warning }, `Warning: ${name}: ${warning}`);
  }
  return deployment === undefined ? built : { ...built, ...(await readDeployment(deployment)) };
}
