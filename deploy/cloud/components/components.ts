export type ComponentState = 'REQUESTED' | 'INITIATED' | 'DEPLOYABLE' | 'FAILED' | 'DEPRECATED';

/** A component version as Greengrass keeps it. */
export interface PublishedComponent {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  readonly state: ComponentState;
  /** Why it failed; empty otherwise. */
  readonly message: string;
  readonly createdAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface NewComponent {
  /** Recipe text, YAML or JSON. */
  readonly recipe: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Equal tokens make one version, however often it is asked for. */
  readonly clientToken: string;
}

/** Where a component version is meant to run. */
export interface ComponentTarget {
  readonly version: string;
  readonly targetArn: string;
  readonly deploymentName: string;
}

/** What publishing and the model registry ask of Greengrass. Errors are EdgeErrors; what does not exist is undefined. */
export interface ComponentCloud {
  /** Names of this account's own components. */
  componentNames(): Promise<readonly string[]>;
  /** Newest first; empty for an unknown component. Without tags and state. */
  versionsOf(name: string): Promise<readonly { readonly version: string; readonly arn: string }[]>;
  component(arn: string): Promise<PublishedComponent | undefined>;
  /** The recipe's text as YAML. */
  recipe(arn: string): Promise<string | undefined>;
  /** @throws EdgeError ALREADY_EXISTS where this version exists */
  createComponent(component: NewComponent): Promise<string>;
  deleteComponent(arn: string): Promise<void>;
  /** Latest deployment of each target that names the component. */
  targetsOf(name: string): Promise<readonly ComponentTarget[]>;
}
