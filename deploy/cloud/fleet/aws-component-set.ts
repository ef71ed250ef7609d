import type { ComponentDeploymentSpecification } from '@aws-sdk/client-greengrassv2';
import { canonicalJson, isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import type { ComponentSet, DeployedComponent } from './component-set.js';

export function readComponents(
  components: Readonly<Record<string, ComponentDeploymentSpecification>>,
): ComponentSet {
  return Object.fromEntries(Object.entries(components).map(([name, one]) => [name, readComponent(one)]));
}

function readComponent(one: ComponentDeploymentSpecification): DeployedComponent {
  const { reset, merge } = one.configurationUpdate ?? {};
  const parsed: unknown = merge === undefined || merge === '' ? undefined : JSON.parse(merge);
  const update = {
    ...(reset === undefined || reset.length === 0 ? {} : { reset }),
    ...(isJsonObject(parsed) ? { merge: parsed } : {}),
  };
  return {
    componentVersion: one.componentVersion ?? '',
    ...(Object.keys(update).length === 0 ? {} : { configurationUpdate: update }),
    ...(one.runWith === undefined ? {} : { runWith: JSON.parse(JSON.stringify(one.runWith)) as JsonObject }),
  };
}

/** A set as CreateDeployment takes it. */
export function writeComponents(set: ComponentSet): Record<string, ComponentDeploymentSpecification> {
  return Object.fromEntries(
    Object.entries(set).map(([name, { componentVersion, configurationUpdate, runWith }]) => [
      name,
      {
        componentVersion,
        ...(configurationUpdate === undefined
          ? {}
          : {
              configurationUpdate: {
                ...(configurationUpdate.reset === undefined ? {} : { reset: [...configurationUpdate.reset] }),
                ...(configurationUpdate.merge === undefined
                  ? {}
                  : { merge: canonicalJson(configurationUpdate.merge) }),
              },
            }),
        ...(runWith === undefined ? {} : { runWith }),
      },
    ]),
  );
}
