import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { doing, orMissing } from './aws-things.js';
import type { ComponentCloud, ComponentTarget, NewComponent, PublishedComponent } from './component-cloud.js';

export interface AwsOptions {
  /** Default: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Default: AWS's, or AWS_ENDPOINT_URL. */
  readonly endpoint?: string;
  /** Default: the SDK's chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A component's name stands in its ARN between two colons. */
const NAME_IN_ARN = /:components:([^:]+)/;

/** Greengrass V2's component versions. The account is read from the ARNs that it gives: no call to STS is needed. */
export class AwsComponents implements ComponentCloud {
  readonly #greengrass: GreengrassV2;

  constructor(options: AwsOptions = {}) {
    this.#greengrass = new GreengrassV2({ ...options, maxAttempts: 10 });
  }

  close(): void {
    this.#greengrass.destroy();
  }

  async componentNames(): Promise<readonly string[]> {
    return (await this.#arns()).map((arn) => NAME_IN_ARN.exec(arn)?.[1] ?? '');
  }

  async #arns(): Promise<readonly string[]> {
    return doing('Cannot list the components', async () => {
      const arns: string[] = [];
      let nextToken: string | undefined;
      do {
        const found = await this.#greengrass.listComponents({
          scope: 'PRIVATE',
          maxResults: 100,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        arns.push(...(found.components ?? []).map(({ arn = '' }) => arn));
        nextToken = found.nextToken;
      } while (nextToken !== undefined);
      return arns;
    });
  }

  async versionsOf(name: string): Promise<readonly { version: string; arn: string }[]> {
    const arn = (await this.#arns()).find((one) => NAME_IN_ARN.exec(one)?.[1] === name);
    if (arn === undefined) return [];
    return doing(`Cannot list the versions of ${name}`, async () => {
      const versions: { version: string; arn: string }[] = [];
      let nextToken: string | undefined;
      do {
        const found = await this.#greengrass.listComponentVersions({
          arn,
          maxResults: 100,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        for (const one of found.componentVersions ?? []) {
          versions.push({ version: one.componentVersion ?? '', arn: one.arn ?? '' });
        }
        nextToken = found.nextToken;
      } while (nextToken !== undefined);
      return versions;
    });
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
        tags: { ...tags },
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
      const targets: ComponentTarget[] = [];
      let nextToken: string | undefined;
      do {
        const page = await this.#greengrass.listDeployments({
          historyFilter: 'LATEST_ONLY',
          maxResults: 100,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        for (const { deploymentId, targetArn = '', deploymentName = '' } of page.deployments ?? []) {
          if (deploymentId === undefined) continue;
          const { components = {} } = await this.#greengrass.getDeployment({ deploymentId });
          const version = components[name]?.componentVersion;
          if (version !== undefined) targets.push({ version, targetArn, deploymentName });
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return targets;
    });
  }
}
