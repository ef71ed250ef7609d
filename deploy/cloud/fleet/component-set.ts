import type { JsonObject } from '../../../src/core/mod.js';

/** A component of a deployment as CreateDeployment and GetDeployment have it, configuration parsed. */
export interface DeployedComponent {
  readonly componentVersion: string;
  readonly configurationUpdate?: {
    readonly reset?: readonly string[];
    readonly merge?: JsonObject;
  };
  /** Whatever else the deployment says of it (runWith): kept as it is. */
  readonly runWith?: JsonObject;
}
export type ComponentSet = Readonly<Record<string, DeployedComponent>>;
