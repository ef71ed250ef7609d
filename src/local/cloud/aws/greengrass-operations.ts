import * as api from '@aws-sdk/client-greengrassv2';
import { stringify } from 'yaml';
import { isJsonObject, type JsonObject } from '../../../core/mod.js';
import { partitionOf } from '../../../core/mod.js';
import type { Identities } from '../iam/mod.js';
import type { Account, Tags } from './account.js';
import { arnOf } from './account.js';
import { on } from './bind.js';
import { textOf, type Components, type ComponentVersion } from './components.js';
import type { Deployments } from './deployments.js';
import { coreOperations } from './core-operations.js';
import { invalid } from './errors.js';
import { AnswersByToken } from './idempotency.js';
import type { BoundOperation } from './http.js';
import type { Deployment } from './job.js';
import { page } from './page.js';
import type { ThingRegistry } from './things.js';

const SERVICE = 'greengrassv2';

export interface GreengrassParts {
  readonly account: Account;
  readonly iam: Identities;
  readonly tags: Tags;
  readonly components: Components;
  readonly deployments: Deployments;
  readonly registry: ThingRegistry;
}

export function greengrassOperations(parts: GreengrassParts): BoundOperation[] {
  return [...componentOperations(parts), ...deploymentOperations(parts), ...coreOperations(parts)];
}

function componentOperations({ account, iam, components, tags }: GreengrassParts): BoundOperation[] {
  const answers = new AnswersByToken<api.CreateComponentVersionResponse>(account.clock);
  const mayRead = (caller: string | undefined) => (bucket: string, key: string) => {
    if (caller === undefined) return true;
    const resource = `arn:${partitionOf(account.region).name}:s3:::${bucket}/${key}`;
    return iam.refusal(caller, [{ action: 's3:GetObject', resource }]) === undefined;
  };
  const create = (
    { inlineRecipe, tags: given }: api.CreateComponentVersionRequest,
    caller: string | undefined,
  ): api.CreateComponentVersionResponse => {
    if (inlineRecipe === undefined) throw invalid(SERVICE, 'inlineRecipe is required', 'inlineRecipe');
    const made = components.create(Buffer.from(inlineRecipe).toString(), given, mayRead(caller));
    return {
      arn: made.arn,
      componentName: made.name,
      componentVersion: made.version,
      creationTimestamp: new Date(made.createdAtMs),
      status: statusOf(made),
    };
  };
  return [
    on(api.CreateComponentVersion$, (input: api.CreateComponentVersionRequest, caller) =>
      answers.of(input.clientToken, () => create(input, caller)),
    ),
    on(api.DescribeComponent$, (input: api.DescribeComponentRequest) => {
      const found = components.find(input.arn ?? '');
      return {
        arn: found.arn,
        componentName: found.name,
        componentVersion: found.version,
        creationTimestamp: new Date(found.createdAtMs),
        publisher: textOf(found.recipe['ComponentPublisher']),
        description: textOf(found.recipe['ComponentDescription']),
        status: statusOf(found),
        platforms: platformsOf(found.recipe),
        tags: tags.of(found.arn),
      };
    }),
    on(api.GetComponent$, (input: api.GetComponentRequest) => {
      const found = components.find(input.arn ?? '');
      const format = input.recipeOutputFormat ?? 'JSON';
      const json = JSON.stringify(found.recipe);
      const text = format === 'YAML' ? stringify(JSON.parse(json)) : json;
      return { recipeOutputFormat: format, recipe: Buffer.from(text), tags: tags.of(found.arn) };
    }),
    on(api.ListComponents$, (input: api.ListComponentsRequest) => {
      const all = input.scope === 'PUBLIC' ? [] : components.names();
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken);
      return {
        components: items.map((componentName) => {
          const latest = components.versions(componentName)[0];
          return {
            arn: arnOf(account, 'greengrass', `components:${componentName}`),
            componentName,
            latestVersion: {
              arn: latest?.arn,
              componentVersion: latest?.version,
              creationTimestamp: new Date(latest?.createdAtMs ?? 0),
            },
          };
        }),
        nextToken,
      };
    }),
    on(api.ListComponentVersions$, (input: api.ListComponentVersionsRequest) => {
      const name = components.nameOfArn(input.arn ?? '');
      // A component without versions has an empty list: gdk asks before the first one.
      const all = components.versions(name);
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken);
      const componentVersions = items.map((one) => ({
        componentName: one.name,
        componentVersion: one.version,
        arn: one.arn,
      }));
      return { componentVersions, nextToken };
    }),
    on(api.DeleteComponent$, (input: api.DeleteComponentRequest) => components.delete(input.arn ?? '')),
    on(api.TagResource$, (input: api.TagResourceRequest) => tags.set(input.resourceArn ?? '', input.tags)),
    on(api.UntagResource$, (input: api.UntagResourceRequest) =>
      tags.remove(input.resourceArn ?? '', input.tagKeys ?? []),
    ),
    on(api.ListTagsForResource$, (input: api.ListTagsForResourceRequest) => ({
      tags: tags.of(input.resourceArn ?? ''),
    })),
  ];
}

function platformsOf(recipe: JsonObject): api.ComponentPlatform[] {
  const manifests = recipe['Manifests'];
  if (!Array.isArray(manifests)) return [];
  return manifests.filter(isJsonObject).map((manifest) => {
    const platform = isJsonObject(manifest['Platform']) ? manifest['Platform'] : {};
    const attributes = Object.entries(platform).map(([key, value]) => [key, textOf(value)]);
    return { attributes: Object.fromEntries(attributes) as Record<string, string> };
  });
}

function statusOf(component: ComponentVersion): api.CloudComponentStatus {
  return {
    componentState: component.state,
    message: component.message,
    errors: component.state === 'FAILED' ? { COMPONENT_ARTIFACT_ERROR: component.message } : {},
    vendorGuidance: 'ACTIVE',
  };
}

function deploymentOperations({ account, deployments, tags }: GreengrassParts): BoundOperation[] {
  const answers = new AnswersByToken<api.CreateDeploymentResponse>(account.clock);
  return [
    on(api.CreateDeployment$, (input: api.CreateDeploymentRequest) =>
      answers.of(input.clientToken, () => {
        const made = deployments.create(input);
        return { deploymentId: made.id, iotJobId: made.jobId, iotJobArn: made.jobArn };
      }),
    ),
    on(api.GetDeployment$, (input: api.GetDeploymentRequest) => {
      const found = deployments.get(input.deploymentId ?? '');
      const { components, deploymentPolicies, iotJobConfiguration } = found.request;
      return {
        ...summaryOf(found),
        iotJobId: found.jobId,
        iotJobArn: found.jobArn,
        components: components ?? {},
        deploymentPolicies,
        iotJobConfiguration,
        tags: tags.of(found.arn),
      };
    }),
    on(api.ListDeployments$, (input: api.ListDeploymentsRequest) => {
      const all = deployments
        .list(input.targetArn)
        .filter((one) => input.historyFilter === 'ALL' || one.isLatest)
        .filter(
          (one) =>
            input.parentTargetArn === undefined || one.request.parentTargetArn === input.parentTargetArn,
        );
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken, 50);
      return { deployments: items.map(summaryOf), nextToken };
    }),
    on(api.DeleteDeployment$, (input: api.DeleteDeploymentRequest) =>
      deployments.delete(deployments.get(input.deploymentId ?? '')),
    ),
    on(api.CancelDeployment$, (input: api.CancelDeploymentRequest) => {
      deployments.cancel(deployments.get(input.deploymentId ?? ''));
      return { message: 'The deployment was canceled' };
    }),
  ];
}

function summaryOf(deployment: Deployment): api.Deployment {
  const { targetArn, deploymentName, parentTargetArn } = deployment.request;
  return {
    targetArn,
    revisionId: String(deployment.revision),
    deploymentId: deployment.id,
    deploymentName,
    creationTimestamp: new Date(deployment.createdAtMs),
    deploymentStatus: deployment.status,
    isLatestForTarget: deployment.isLatest,
    parentTargetArn,
  };
}
