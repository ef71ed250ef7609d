import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComponentSet } from '../../deploy/rollout/mod.js';
import { renderRecipe, validateRecipe } from '../../src/recipe/mod.js';

/** A component of somebody else on the same devices: no rollout of ours may touch it. */
export const CAMERA = 'com.example.Camera';

/** As that team deployed it, with a configuration of its own. */
export const CAMERA_DEPLOYED: ComponentSet = {
  [CAMERA]: {
    componentVersion: '1.2.0',
    configurationUpdate: { merge: { framesPerSecond: 5, night: { gain: 2 } } },
  },
};

/** Its build, below `<folder>/greengrass-build`. */
export async function buildCamera(folder: string): Promise<void> {
  const recipe = validateRecipe({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: CAMERA,
    ComponentVersion: '1.2.0',
    ComponentDescription: 'Stands for what another team runs on the devices',
    ComponentPublisher: 'Example',
    ComponentConfiguration: { DefaultConfiguration: { framesPerSecond: 1 } },
    Manifests: [
      { Platform: { os: 'linux', runtime: '*' }, Lifecycle: { run: 'exec sleep 86400' }, Artifacts: [] },
    ],
  });
  const build = join(folder, 'greengrass-build');
  await mkdir(join(build, 'artifacts', CAMERA, recipe.ComponentVersion), { recursive: true });
  await mkdir(join(build, 'recipes'), { recursive: true });
  await writeFile(join(build, 'recipes', 'recipe.yaml'), renderRecipe(recipe));
}
