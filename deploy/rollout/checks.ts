import { EdgeError } from '../../src/core/mod.js';
import { fitsPlatform } from '../../src/recipe/mod.js';
import type {
  ComponentVersionRecord,
  CoreDeviceRecord,
  Deployments,
  FleetIndex,
  Platforms,
  ThingGroups,
} from '../cloud/fleet/mod.js';
import { latestOf, stageGroup } from './marks.js';
import type { RolloutPlan } from './rollout-plan.js';

/** A plan of a large fleet must not take a call for each hundred devices. */
const MOST_CORES = 5000;

/**
 * What would fail on every device, or on some, found before anything is created: versions that are not there,
 * platforms that no manifest serves, and other groups of the devices that want another version.
 * @returns warnings on what was not compared
 */
export async function checkRollout(
  cloud: ThingGroups & Deployments & Platforms & FleetIndex,
  plan: RolloutPlan,
  targetArn: string,
): Promise<readonly string[]> {
  const versions = await deployableVersions(cloud, plan);
  const cores = await cloud.coreDevices(targetArn, MOST_CORES);
  for (const [name, version] of versions)
    checkPlatforms(name, plan.components[name]?.version ?? '', version, cores);
  const cut = `Only the platforms of the fleet's first ${MOST_CORES} devices were compared`;
  return [...(cores.length < MOST_CORES ? [] : [cut]), ...(await groupConflicts(cloud, plan))];
}

async function deployableVersions(
  cloud: Platforms,
  plan: RolloutPlan,
): Promise<ReadonlyMap<string, ComponentVersionRecord>> {
  const versions = new Map<string, ComponentVersionRecord>();
  for (const [name, { version }] of Object.entries(plan.components)) {
    if (name.startsWith('aws.greengrass.')) continue;
    const found = await cloud.componentVersion(name, version);
    if (found?.state !== 'DEPLOYABLE') {
      throw new EdgeError(
        found === undefined ? 'COMPONENT_NOT_FOUND' : 'COMPONENT_NOT_DEPLOYABLE',
        `Cannot plan the rollout as the component ${name} ${version} ${found === undefined ? 'does not exist' : `is ${found.state}`}`,
        { field: `components.${name}`, nextStep: 'Publish the version first, or correct it in the plan' },
      );
    }
    versions.set(name, found);
  }
  return versions;
}

/** Refuses a version that no manifest serves on some of the devices. Devices that told nothing are not judged. */
function checkPlatforms(
  name: string,
  version: string,
  { platforms }: ComponentVersionRecord,
  cores: readonly CoreDeviceRecord[],
): void {
  if (platforms.length === 0) return;
  const unserved = cores.filter(({ platform }) => {
    if (platform['os'] === undefined || platform['architecture'] === undefined) return false;
    const profile = platform['runtime'] === 'aws_nucleus_lite' ? 'lite' : 'nucleus';
    return !platforms.some((wanted) => fitsPlatform(wanted, platform, profile));
  });
  const [first] = unserved;
  if (first === undefined) return;
  const { os, architecture, runtime } = first.platform;
  const names = unserved.slice(0, 3).map(({ thing }) => thing);
  const more = unserved.length > names.length ? ', ...' : '';
  throw new EdgeError(
    'COMPONENT_NOT_DEPLOYABLE',
    `Cannot plan the rollout as no manifest of ${name} ${version} serves the platform ${[os, architecture, runtime].filter(Boolean).join(', ')} of ${unserved.length} devices of the fleet: ${names.join(', ')}${more}`,
    {
      field: `components.${name}`,
      nextStep: 'Publish a version with a manifest for that platform, or take the devices out of the fleet',
    },
  );
}

/** Other groups of the fleet's devices that want one of our components in another version: devices would refuse. */
async function groupConflicts(
  cloud: ThingGroups & Deployments & FleetIndex,
  plan: RolloutPlan,
): Promise<readonly string[]> {
  if ((await cloud.indexedFields()) === undefined) {
    return ['Fleet indexing is off: deployments of the devices’ other groups were not compared'];
  }
  const stageGroups = plan.stages.map((_stage, index) => stageGroup(plan.fleet, index));
  const groups = await cloud.buckets(`thingGroupNames:${plan.fleet}`, 'thingGroupNames', 100);
  for (const { key } of groups) {
    if (key === plan.fleet || stageGroups.includes(key)) continue;
    const arn = await cloud.groupArn(key);
    const other = arn === undefined ? undefined : await latestOf(cloud, arn);
    for (const [name, { version }] of Object.entries(plan.components)) {
      const theirs = other?.components[name]?.componentVersion;
      if (theirs === undefined || theirs === version) continue;
      throw new EdgeError(
        'COMPONENTS_FOREIGN',
        `Cannot plan the rollout as devices of the fleet are in the thing group ${key}, which deploys ${name} ${theirs}, not ${version}`,
        {
          field: `components.${name}`,
          nextStep: `Take ${name} out of the deployment of ${key}, or deploy there`,
        },
      );
    }
  }
  return [];
}
