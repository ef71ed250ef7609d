import { isJsonObject } from '../../../core/mod.js';
import type { DeploymentDocument, WantedComponent } from '../../nucleus/mod.js';
import type { Deployment } from './job.js';

/** The union of what a device's targets want; two versions of one component are a conflict, as on a core. */
export function effectiveSet(roots: ReadonlyMap<string, Deployment>): {
  readonly components: Readonly<Record<string, WantedComponent>>;
  readonly conflict: string | undefined;
} {
  const components: Record<string, WantedComponent> = {};
  for (const deployment of roots.values()) {
    for (const [name, wanted] of Object.entries(deployment.request.components ?? {})) {
      const version = wanted.componentVersion ?? '';
      const former = components[name];
      if (former !== undefined && former.componentVersion !== version) {
        const conflict = `The deployments of this device want ${name} ${former.componentVersion} and ${version}`;
        return { components, conflict };
      }
      const { reset, merge } = wanted.configurationUpdate ?? {};
      const merged: unknown = merge === undefined ? undefined : JSON.parse(merge);
      components[name] = {
        componentVersion: version,
        configurationUpdate: {
          ...(reset === undefined ? {} : { reset }),
          ...(isJsonObject(merged) ? { merge: merged } : {}),
        },
      };
    }
  }
  return { components, conflict: undefined };
}

export function documentOf(
  deployment: Deployment,
  components: Readonly<Record<string, WantedComponent>>,
): DeploymentDocument {
  const policies = deployment.request.deploymentPolicies;
  const update = policies?.componentUpdatePolicy;
  return {
    deploymentId: deployment.id,
    components,
    failureHandlingPolicy: policies?.failureHandlingPolicy ?? 'ROLLBACK',
    componentUpdatePolicy: {
      action: update?.action ?? 'NOTIFY_COMPONENTS',
      timeoutInSeconds: update?.timeoutInSeconds ?? 60,
    },
  };
}
