import type { FleetCloud } from '../../deploy/mod.js';
import { currentDeployment, sameComponent } from '../../deploy/rollout/mod.js';
import { canonicalJson } from '../../src/core/mod.js';
import { CAMERA, CAMERA_DEPLOYED } from './camera.js';
import type { FleetDevice } from './device.js';
import { FLEET } from './plans.js';

/**
 * Places where the other team's component is missing, or has another version or configuration than that team
 * deployed: in the fleet's deployment and on each device.
 */
export async function lostComponents(
  cloud: FleetCloud,
  devices: readonly FleetDevice[],
): Promise<readonly string[]> {
  const lost: string[] = [];
  const [wanted] = Object.values(CAMERA_DEPLOYED);
  const deployed = (await currentDeployment(cloud, FLEET))?.components[CAMERA];
  if (wanted === undefined || deployed === undefined || !sameComponent(deployed, wanted)) lost.push(FLEET);
  for (const device of devices) {
    const found = device.component(CAMERA);
    const isWhole =
      found?.version === wanted?.componentVersion &&
      found?.state === 'RUNNING' &&
      canonicalJson(found.configuration) === canonicalJson(wanted?.configurationUpdate?.merge);
    if (!isWhole) lost.push(device.thing);
  }
  return lost;
}
