import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PREDICT_FILTER, topics } from '../../../src/contract/mod.js';
import { isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import { modelRecipe } from '../../../src/model/mod.js';
import { parseRecipe, problemsOnLite, type Recipe } from '../../../src/recipe/mod.js';
import { matchesResource } from '../../../src/local/nucleus/ipc/authorize.js';
import { ownRecipe } from '../../lib/own-recipes.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const PREFIX = 'edgemanager/v1';

interface Grant {
  readonly service: string;
  readonly operation: string;
  readonly resource: string;
}

/** Every (service, operation, resource) that a recipe's accessControl grants. */
function grantsOf(recipe: Recipe): Grant[] {
  const control = recipe.ComponentConfiguration?.DefaultConfiguration?.['accessControl'];
  if (!isJsonObject(control)) return [];
  return Object.entries(control).flatMap(([service, policies]) =>
    Object.values(policies as JsonObject).flatMap((policy) => {
      const { operations, resources } = policy as unknown as { operations: string[]; resources: string[] };
      return operations.flatMap((operation) =>
        resources.map((resource) => ({ service, operation, resource })),
      );
    }),
  );
}

async function shippedRecipes(): Promise<Map<string, Recipe>> {
  const folder = join(root, 'recipes');
  const files = (await readdir(folder)).map((file) => join(folder, file));
  for (const example of ['voice-activity', 'python'])
    files.push(join(root, 'examples', example, 'recipe.yaml'));
  const recipes = new Map<string, Recipe>();
  for (const file of files) {
    const recipe = await ownRecipe(file);
    recipes.set(recipe.ComponentName, recipe);
  }
  const model = modelRecipe({
    componentName: 'org.edgemanager.model.Rendered',
    componentVersion: '1.0.0',
    description: 'A rendered model component',
    publisher: 'Edge Manager',
    target: 'any',
    files: ['manifest.json', 'model.onnx'],
  });
  recipes.set('org.edgemanager.model.Rendered', parseRecipe(JSON.stringify(model)));
  return recipes;
}

function resources(recipe: Recipe | undefined, service: string, operation: string): string[] {
  assert.ok(recipe !== undefined);
  return grantsOf(recipe)
    .filter((grant) => grant.service === service && grant.operation === `aws.greengrass#${operation}`)
    .map((grant) => grant.resource)
    .sort();
}

describe('shipped recipes', () => {
  let recipes: Map<string, Recipe>;
  before(async () => {
    recipes = await shippedRecipes();
  });

  it('grant no bare wildcard, and a star only as the last level of a reply topic (S5)', () => {
    for (const [name, recipe] of recipes) {
      for (const { operation, resource } of grantsOf(recipe)) {
        assert.match(operation, /^aws\.greengrass#[A-Za-z]+$/, `${name}: ${operation}`);
        assert.ok(
          !resource.includes('*') || /^edgemanager\/v1\/reply\/([A-Za-z0-9._-]+\/)?\*$/.test(resource),
          `${name}: ${resource}`,
        );
        assert.notEqual(resource.replaceAll(/[*+#/]/g, ''), '', `${name}: ${resource}`);
      }
    }
  });

  it('let an app hear its own replies only', () => {
    for (const [name, recipe] of recipes) {
      if (name === 'org.edgemanager.AgentRuntime') continue;
      for (const resource of resources(recipe, 'aws.greengrass.ipc.pubsub', 'SubscribeToTopic')) {
        if (resource.startsWith(`${PREFIX}/reply/`)) assert.equal(resource, `${PREFIX}/reply/${name}/*`);
      }
    }
  });

  it('give the agent exactly the topics of the contract', () => {
    const agent = recipes.get('org.edgemanager.AgentRuntime');
    const published: string[] = [topics.modelEvents, topics.captureEvents, topics.spoolClosed];
    const requests = Object.values(topics).filter((topic) => !published.includes(topic));
    assert.deepEqual(
      resources(agent, 'aws.greengrass.ipc.pubsub', 'SubscribeToTopic'),
      [...requests, PREDICT_FILTER].sort(),
    );
    assert.deepEqual(
      resources(agent, 'aws.greengrass.ipc.pubsub', 'PublishToTopic'),
      [...published, `${PREFIX}/reply/*`].sort(),
    );
  });

  it('let the agent report to the heartbeat shadow of one thing, and to no other topic of AWS IoT', () => {
    const granted = resources(
      recipes.get('org.edgemanager.AgentRuntime'),
      'aws.greengrass.ipc.mqttproxy',
      'PublishToIoTCore',
    );
    const allowed = (profile: 'nucleus' | 'lite', topic: string): boolean =>
      granted.some((pattern) => matchesResource(profile, 'mqtt', pattern, topic));
    for (const profile of ['nucleus', 'lite'] as const) {
      assert.ok(allowed(profile, '$aws/things/oven-1/shadow/name/edge-manager/update'));
      assert.ok(!allowed(profile, '$aws/things/oven-1/shadow/name/other/update'));
      assert.ok(!allowed(profile, '$aws/things/oven-1/x/shadow/name/edge-manager/update'));
      assert.ok(!allowed(profile, '$aws/things/oven-1/jobs/start-next'));
    }
  });

  it('need credentials in the uploader only, need no root, and run on both nuclei', () => {
    for (const [name, recipe] of recipes) {
      const tokenExchange = recipe.ComponentDependencies?.['aws.greengrass.TokenExchangeService'];
      assert.equal(
        tokenExchange?.DependencyType,
        name === 'org.edgemanager.CaptureUploader' ? 'SOFT' : undefined,
        name,
      );
      assert.equal(
        recipe.ComponentDependencies?.['org.edgemanager.AgentRuntime']?.DependencyType ?? 'SOFT',
        'SOFT',
      );
      for (const { VersionRequirement } of Object.values(recipe.ComponentDependencies ?? {})) {
        assert.match(VersionRequirement, /^>=\d+\.\d+\.\d+ <\d+\.\d+\.\d+$/, name);
      }
      assert.ok(!JSON.stringify(recipe).includes('RequiresPrivilege'), name);
      assert.deepEqual(problemsOnLite(recipe), [], name);
      const configuration = recipe.ComponentConfiguration?.DefaultConfiguration ?? {};
      assert.ok(JSON.stringify(configuration).length < 6000, `${name}: default configuration`);
    }
  });
});
