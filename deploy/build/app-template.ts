import {
  AGENT_COMPONENT,
  MODEL_NAME_PATTERN,
  predictTopic,
  replyTopic,
  topics,
} from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { renderRecipe } from '../../src/recipe/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { exists, makeFolder, writeBytes } from '../files/mod.js';

export interface AppWish {
  /** The component's name, such as `com.example.App`. */
  readonly component: string;
  /** The model that it asks. */
  readonly model: string;
}

/**
 * Writes an app in TypeScript that asks one model, ready for {@link buildApp}.
 * @returns the names of the files
 * @throws EdgeError OPTION_INVALID for a name, and with nothing written where one of the files is there
 */
export async function initApp(folder: string, wish: AppWish): Promise<readonly string[]> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(wish.component)) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot make a component of that name: wanted letters, digits, '.', '_' and '-', current value is '${wish.component}'`,
    );
  }
  if (!new RegExp(MODEL_NAME_PATTERN).test(wish.model)) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot ask a model of that name: current value is '${wish.model}'`,
    );
  }
  const files = Object.entries(filesOf(wish));
  for (const [name] of files) {
    if (!(await exists(join(folder, name)))) continue;
    throw new EdgeError('OPTION_INVALID', `Cannot make an app in ${folder} as ${name} is there already`, {
      nextStep: 'Name a new folder',
    });
  }
  await makeFolder(folder);
  for (const [name, text] of files) await writeBytes(join(folder, name), text);
  return files.map(([name]) => name);
}

function filesOf(wish: AppWish): Readonly<Record<string, string>> {
  const { component } = wish;
  const publish = { bucket: 'BUCKET', region: 'REGION' };
  const build = { build_system: 'custom', custom_build_command: ['npx', 'edge-manager', 'app', 'build'] };
  return {
    'main.ts': program(wish),
    'recipe.yaml': recipe(wish),
    'package.json': json({
      name: component.toLowerCase(),
      private: true,
      type: 'module',
      main: 'main.ts',
      scripts: { build: 'edge-manager app build' },
      dependencies: { 'edge-manager': `^${VERSION}` },
      devDependencies: { 'edge-manager-cli': `^${VERSION}` },
    }),
    'gdk-config.json': json({
      component: { [component]: { author: 'me', version: 'NEXT_PATCH', build, publish } },
      gdk_version: '1.6.2',
    }),
    '.gitignore': 'node_modules\ngreengrass-build\n',
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function program({ component, model }: AppWish): string {
  return `import { connect } from 'edge-manager/client';

const { client, close } = await connect({ component: '${component}' });
// Waits for the agent. A model that is not admitted yet is NOT_FOUND: Greengrass then starts this component again.
const { inputs } = await client.describeModel({ name: '${model}' }, { timeoutMs: 120_000 });
console.log(JSON.stringify(inputs));
// One tensor for each input, in its shape; tensor and elements are of the client too:
// const { outputs } = await client.predict('${model}', [tensor('input', 'FP32', [1, 2], Float32Array.of(1, 2))]);
// console.log(outputs.map((output) => elements(output)));
await close();
`;
}

/** What the app may ask: this model, the list of models, and captures; and replies to itself only. */
function recipe({ component, model }: AppWish): string {
  const policy = (operation: string, policyDescription: string, resources: readonly string[]) => ({
    policyDescription,
    operations: [`aws.greengrass#${operation}`],
    resources: [...resources],
  });
  const asked = [topics.hello, topics.list, topics.describe, predictTopic(model)];
  return renderRecipe({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: component,
    ComponentVersion: '1.0.0',
    ComponentDescription: `Asks the model ${model} through the agent runtime`,
    ComponentPublisher: 'me',
    ComponentDependencies: {
      [AGENT_COMPONENT]: { VersionRequirement: `>=${VERSION} <2.0.0`, DependencyType: 'SOFT' },
    },
    ComponentConfiguration: {
      DefaultConfiguration: {
        accessControl: {
          'aws.greengrass.ipc.pubsub': {
            [`${component}:pubsub:1`]: policy('PublishToTopic', 'Ask the agent runtime', asked),
            [`${component}:pubsub:2`]: policy('SubscribeToTopic', 'Receive replies', [
              replyTopic(component, '*'),
            ]),
          },
        },
      },
    },
    Manifests: [
      {
        Platform: { os: 'linux', runtime: '*' },
        Lifecycle: { run: 'exec node APP_FOLDER/main.js' },
        Artifacts: [],
      },
    ],
  });
}
