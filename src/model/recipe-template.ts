import { AGENT_COMPONENT, TOPIC_PREFIX, topics } from '../contract/mod.js';
import type { JsonObject } from '../core/mod.js';
import type { Target } from './manifest-schema.js';

/** Agents that know this package format. Written out, as nucleus lite reads neither `^` nor `~`. */
const AGENT_VERSION_RANGE = '>=0.1.0 <2.0.0';
const WAIT_SECONDS = 100;
const STARTUP_TIMEOUT_SECONDS = 600;

export interface RecipeInput {
  readonly componentName: string;
  readonly componentVersion: string;
  readonly description: string;
  readonly publisher: string;
  readonly target: Target;
  /** File names of all artifacts, the manifest and the signature included. */
  readonly files: readonly string[];
}

/**
 * The recipe of a model component: plain files and a `startup` step that asks the agent to admit them. Its exit
 * code is the deployment's verdict on both nuclei.
 *
 * - SOFT, as a HARD dependent would restart with every restart of the agent.
 * - Artifact URIs hold gdk's placeholders; whoever publishes fills them in.
 */
export function modelRecipe(input: RecipeInput): JsonObject {
  return {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: input.componentName,
    ComponentVersion: input.componentVersion,
    ComponentType: 'aws.greengrass.generic',
    ComponentDescription: input.description,
    ComponentPublisher: input.publisher,
    ComponentDependencies: {
      [AGENT_COMPONENT]: { VersionRequirement: AGENT_VERSION_RANGE, DependencyType: 'SOFT' },
    },
    ComponentConfiguration: {
      DefaultConfiguration: { accessControl: accessControl(input.componentName) },
    },
    Manifests: [
      {
        Platform: platform(input.target),
        Lifecycle: { startup: { Script: STARTUP, Timeout: STARTUP_TIMEOUT_SECONDS } },
        Artifacts: input.files.toSorted().map((file) => ({ Uri: artifactUri(file) })),
      },
    ],
  };
}

/** Where gdk, or whoever publishes, puts an artifact. */
export function artifactUri(file: string): string {
  return `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${file}`;
}

/**
 * nucleus lite appends lines of its own to a startup script and reports the last one's exit code, so a failure
 * must leave at once, and success by a trap that outruns those lines.
 */
const STARTUP = [
  `register="{kernel:rootPath}/work/${AGENT_COMPONENT}/bin/register"`,
  `waited=0; while [ ! -x "$register" ] && [ "$waited" -lt ${WAIT_SECONDS} ]; do sleep 1; waited=$((waited+1)); done`,
  `"$register" "{artifacts:path}" || exit 1`,
  `trap 'exit 0' EXIT`,
].join('\n');

function platform(target: Target): JsonObject {
  const any = { os: 'linux', runtime: '*' };
  switch (target) {
    case 'any':
      return any;
    case 'linux-x64':
      return { ...any, architecture: 'amd64' };
    case 'linux-arm64':
      return { ...any, architecture: 'aarch64' };
  }
}

function accessControl(componentName: string): JsonObject {
  return {
    'aws.greengrass.ipc.pubsub': {
      [`${componentName}:pubsub:1`]: {
        policyDescription: 'Ask the agent to admit this model',
        operations: ['aws.greengrass#PublishToTopic'],
        resources: [topics.register],
      },
      [`${componentName}:pubsub:2`]: {
        policyDescription: 'Read its verdict',
        operations: ['aws.greengrass#SubscribeToTopic'],
        resources: [`${TOPIC_PREFIX}/reply/${componentName}/*`],
      },
    },
  };
}
