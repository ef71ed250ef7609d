import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { clientConfig, doing, orMissing, paged, tagsOf, type AwsOptions } from '../aws/mod.js';
import type { ComponentCloud, ComponentTarget, NewComponent, PublishedComponent } from './components.js';

/** A component's name stands in its ARN between two colons. */
const NAME_IN_ARN = /:components:([^:]+)/;

/** Greengrass V2's component versions. The account is read from the ARNs that it gives: no call to STS is needed. */
export class AwsComponents implements ComponentCloud {
  readonly #greengrass: GreengrassV2;

  constructor(options: AwsOptions = {}) {
    this.#greengrass = new GreengrassV2({ ...clientConfig(options, 'GREENGRASSV2'), maxAttempts: 10 });
  }

  close(): void {
    this.#greengrass.destroy();
  }

  async componentNames(): Promise<readonly string[]> {
    return (await this.#arns()).map((arn) => NAME_IN_ARN.exec(arn)?.[1] ?? '');
  }

  async #arns(): Promise<readonly string[]> {
    return doing('Cannot list the components', () =>
      paged(
        (nextToken) => this.#greengrass.listComponents({ scope: 'PRIVATE', maxResults: 100, nextToken }),
        ({ components = [] }) => components.map(({ arn = '' }) => arn),
      ),
    );
  }

  async versionsOf(name: string): Promise<readonly { version: string; arn: string }[]> {
    const component = (await this.#arns()).find((one) => NAME_IN_ARN.exec(one)?.[1] === name);
    if (component === undefined) return [];
    return doing(`Cannot list the versions of ${name}`, () =>
      paged(
        (nextToken) => this.#greengrass.listComponentVersions({ arn: component, maxResults: 100, nextToken }),
        ({ componentVersions = [] }) =>
          componentVersions.map(({ componentVersion = '', arn = '' }) => ({
            version: componentVersion,
            arn,
          })),
      ),
    );
  }

  async component(arn: string): Promise<PublishedComponent | undefined> {
    return orMissing(`Cannot read the component ${arn}`, async () => {
      const found = await this.#greengrass.describeComponent({ arn });
      const { message = '', errors } = found.status ?? {};
      const reasons = Object.values(errors ?? {});
      return {
        arn,
        name: found.componentName ?? '',
        version: found.componentVersion ?? '',
        state: found.status?.componentState ?? 'REQUESTED',
        message: reasons.length === 0 ? message : reasons.join('; '),
        createdAtMs: found.creationTimestamp?.getTime() ?? 0,
        tags: found.tags ?? {},
      };
    });
  }

  async recipe(arn: string): Promise<string | undefined> {
    return orMissing(`Cannot read the recipe of ${arn}`, async () => {
      const { recipe = new Uint8Array() } = await this.#greengrass.getComponent({
        arn,
        recipeOutputFormat: 'YAML',
      });
      return Buffer.from(recipe).toString();
    });
  }

  async createComponent({ recipe, tags, clientToken }: NewComponent): Promise<string> {
    return doing('Cannot create the component version', async () => {
      const made = await this.#greengrass.createComponentVersion({
        inlineRecipe: Buffer.from(recipe),
        ...tagsOf(tags),
        clientToken,
      });
      return made.arn ?? '';
    });
  }

  async deleteComponent(arn: string): Promise<void> {
    await doing(`Cannot delete the component version ${arn}`, () =>
      this.#greengrass.deleteComponent({ arn }),
    );
  }

  async targetsOf(name: string): Promise<readonly ComponentTarget[]> {
    return doing(`Cannot read where ${name} is deployed`, async () => {
      const latest = await paged(
        (nextToken) =>
          this.#greengrass.listDeployments({ historyFilter: 'LATEST_ONLY', maxResults: 100, nextToken }),
        ({ deployments = [] }) => deployments,
      );
      const targets: ComponentTarget[] = [];
      for (const { deploymentId, targetArn = '', deploymentName = '' } of latest) {
        if (deploymentId === undefined) continue;
        const { components = {} } = await this.#greengrass.getDeployment({ deploymentId });
        const version = components[name]?.componentVersion;
        if (version !== undefined) targets.push({ version, targetArn, deploymentName });
      }
      return targets;
    });
  }
}
