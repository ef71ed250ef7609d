import type { Clock, Json, JsonObject, Logger, Random } from '../../../core/mod.js';

/**
 * The seams of the local nucleus: who calls it (tests, the demo, the local cloud) and what its IPC server
 * asks of its kernel. `nucleus` behaves as the Java nucleus, `lite` as nucleus lite, wherever they differ.
 */
export const PROFILES = ['nucleus', 'lite'] as const;
export type Profile = (typeof PROFILES)[number];

/** Where components come from: a folder of gdk builds, or the local cloud. */
export interface ComponentStore {
  /** All versions of a component, in any order; empty if unknown. */
  versions(name: string): Promise<readonly string[]>;
  /** The recipe's text (YAML or JSON). Throws NOT_FOUND. */
  recipe(name: string, version: string): Promise<string>;
  /** Writes the artifact behind `uri` to the file `destination`, into it where it exists. Throws NOT_FOUND. */
  fetchArtifact(name: string, version: string, uri: string, destination: string): Promise<void>;
  /**
   * True: folders on the device, as a local deployment names them. Lite writes all of them over what it has at each
   * deployment, also over what running components have mapped; the Java nucleus asks no component whether an update
   * may begin.
   */
  readonly isLocal?: boolean;
}

/** One component of a deployment, as CreateDeployment's `components` map has it. */
export interface WantedComponent {
  readonly componentVersion: string;
  readonly configurationUpdate?: { readonly reset?: readonly string[]; readonly merge?: JsonObject };
}

/** A deployment document: the whole set of root components that the device should have. */
export interface DeploymentDocument {
  readonly deploymentId: string;
  readonly components: Readonly<Record<string, WantedComponent>>;
  /** Ignored by `lite`, which never rolls back. Default ROLLBACK. */
  readonly failureHandlingPolicy?: 'ROLLBACK' | 'DO_NOTHING';
  /** Default NOTIFY_COMPONENTS with 60 s. Ignored by `lite`, and where the store is local. */
  readonly componentUpdatePolicy?: {
    readonly action: 'NOTIFY_COMPONENTS' | 'SKIP_NOTIFY_COMPONENTS';
    readonly timeoutInSeconds?: number;
  };
  /** How long the components that validate their configuration have. Default 20 s. Ignored by `lite`. */
  readonly configurationValidationPolicy?: { readonly timeoutInSeconds?: number };
}

/** Detailed status names as the Java nucleus reports them to IoT jobs. */
export interface DeploymentResult {
  readonly deploymentId: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly detailedStatus:
    | 'SUCCESSFUL'
    | 'FAILED_NO_STATE_CHANGE'
    | 'FAILED_ROLLBACK_COMPLETE'
    | 'FAILED_ROLLBACK_NOT_REQUESTED'
    | 'FAILED_UNABLE_TO_ROLLBACK'
    | 'REJECTED';
  /** One sentence with the failing component and its reason; empty on success. */
  readonly reason: string;
}

export const COMPONENT_STATES = [
  'NEW',
  'INSTALLED',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'ERRORED',
  'BROKEN',
  'FINISHED',
] as const;
export type ComponentState = (typeof COMPONENT_STATES)[number];

export interface ComponentStatus {
  readonly name: string;
  readonly version: string;
  readonly state: ComponentState;
  /** The effective configuration. */
  readonly configuration: JsonObject;
  readonly isRoot: boolean;
  /** Process id of the running lifecycle script, if any. */
  readonly pid?: number;
}

/** MQTT as PublishToIoTCore and SubscribeToIoTCore see it. The in-process broker is one, the local cloud another. */
export interface IotCore {
  publish(topic: string, payload: Uint8Array, qos?: number): Promise<void>;
  /** @returns a function that ends the subscription */
  subscribe(filter: string, listener: (topic: string, payload: Uint8Array) => void): () => void;
}

/** Credentials as the token exchange service hands them out. */
export interface DeviceCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

export interface NucleusOptions {
  /** The Greengrass root folder: work/, logs/, packages/, ... are made in it. Must be short enough for a unix socket (about 80 characters). */
  readonly rootPath: string;
  readonly profile: Profile;
  readonly thingName: string;
  readonly region: string;
  readonly store: ComponentStore;
  /** Default: a broker of its own. */
  readonly iotCore?: IotCore;
  /** What the token exchange endpoint answers; a rejection becomes its HTTP 500. Default: none, endpoint answers 404. */
  readonly credentials?: () => Promise<DeviceCredentials>;
  readonly logger?: Logger;
  /** What the platform selection of recipes sees. Default: this machine. */
  readonly platform?: Readonly<Record<string, string>>;
  /** Extra PATH entries for lifecycle scripts (where `node` is). Default: the folder of this process's node, then /usr/local/bin:/usr/bin:/bin. */
  readonly path?: string;
  readonly configurationOfNucleus?: JsonObject;
  /**
   * What the nucleus process was started with: the Java nucleus passes it on to every component, as a unit of systemd
   * has INVOCATION_ID and JOURNAL_STREAM, and sudo's variables. Default: what such a unit has. Not on `lite`, whose
   * components are units of their own.
   */
  readonly ownEnvironment?: Readonly<Record<string, string>>;
  /** `lite` only: before 254 `systemd-notify --stopping` does not exist, and ends a startup script with 1. Default 255. */
  readonly systemdVersion?: number;
  /** What timeouts, retries and the hour of three errors go by. Default: the machine's. */
  readonly clock?: Clock;
  /** Makes SVCUIDs. Default: the machine's. */
  readonly random?: Random;
}

/** A local nucleus. Made by `startNucleus(options)`; a restart on the same rootPath finds its components again and starts them. */
export interface Nucleus extends AsyncDisposable {
  readonly rootPath: string;
  readonly profile: Profile;
  readonly socketPath: string;
  readonly iotCore: IotCore;
  /** Carries out one deployment; calls are queued. Never rejects for a failing component: see the result. */
  deploy(document: DeploymentDocument): Promise<DeploymentResult>;
  components(): readonly ComponentStatus[];
  /** Calls back at each change of a component's state. @returns a function that ends it */
  onState(listener: (name: string, state: ComponentState) => void): () => void;
  /** Makes an SVCUID for a process that no recipe started (tests, bench): `accessControl` as in a component's configuration. */
  registerExternal(name: string, configuration: JsonObject): ExternalComponent;
  /**
   * Closes and reopens the IPC socket, as a nucleus restart does to components that survive it. Lite has forgotten all
   * SVCUIDs then: a component asks for a new one by its name.
   */
  restartIpc(): Promise<void>;
  /** Cuts the way to AWS IoT, or mends it; all else goes on. */
  setOnline(isOnline: boolean): Promise<void>;
  /**
   * Ends the token exchange and starts it again on another port. Who depends on it HARD restarts on the Java nucleus,
   * and is stopped for good on lite.
   */
  restartTokenExchange(): Promise<void>;
  close(): Promise<void>;
}

export interface ExternalComponent {
  readonly name: string;
  /** The variables that a lifecycle script would get. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the IPC server asks of the kernel. Throws EdgeError; the server translates it to Greengrass's error shapes. */
export interface IpcKernel {
  readonly profile: Profile;
  /** The component that holds this SVCUID, or undefined. */
  componentOf(svcuid: string): string | undefined;
  /** The SVCUID of a component that is known by this name, or undefined. */
  svcuidByName(component: string): string | undefined;
  /** `accessControl` of the component's effective configuration; undefined if none. */
  accessControl(component: string): Json | undefined;
  /** The value at keyPath (empty: everything). `component` may be another one, as GetConfiguration allows. */
  findConfiguration(component: string, keyPath: readonly string[]): Json | undefined;
  updateConfiguration(component: string, keyPath: readonly string[], value: Json, timestampMs: number): void;
  /** Calls back with the key path of each change (lite: once per changed leaf). @returns a function that ends it */
  onConfigurationChange(
    component: string,
    keyPath: readonly string[],
    listener: (component: string, changedKeyPath: readonly string[]) => void,
  ): () => void;
  updateState(component: string, state: 'RUNNING' | 'ERRORED'): void;
  componentDetails(component: string): ComponentStatus | undefined;
  listComponents(): readonly ComponentStatus[];
  /** Pre- and post-update events of deployments. @returns a function that ends it */
  onComponentUpdate(component: string, listener: (event: ComponentUpdateEvent) => void): () => void;
  /** recheckAfterMs 0 acknowledges the update. */
  /** @returns false where no such update waits for the component */
  deferComponentUpdate(component: string, deploymentId: string, recheckAfterMs: number): boolean;
  /** Configurations that a deployment brings, to be answered by a report. @returns a function that ends it */
  onConfigurationToValidate(
    component: string,
    listener: (event: ConfigurationToValidate) => void,
  ): () => void;
  /** @returns false where nobody waits for the report */
  reportValidity(component: string, report: ValidityReport): boolean;
}

export interface ConfigurationToValidate {
  readonly deploymentId: string;
  readonly configuration: JsonObject;
}

export interface ValidityReport {
  readonly deploymentId: string;
  readonly status: 'ACCEPTED' | 'REJECTED';
  readonly message?: string;
}

export type ComponentUpdateEvent =
  | { readonly kind: 'pre'; readonly deploymentId: string; readonly isGgcRestarting: boolean }
  | { readonly kind: 'post'; readonly deploymentId: string };
