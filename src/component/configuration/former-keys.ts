import { isJsonObject, type JsonObject } from '../../core/mod.js';

/** Where the value of a former key goes. */
export interface Alias {
  /** A path of our own configuration, such as `capture.batchSize`. */
  readonly to: string;
  readonly convert?: (value: unknown) => unknown;
}

/** By former key; the first that is given goes before later ones of the same target. */
export type Aliases = Readonly<Record<string, Alias>>;

/** SageMaker Edge Manager's switch for verbose logs. */
export const VERBOSE: Alias = {
  to: 'logLevel',
  convert: (value) => (String(value).trim().toLowerCase() === 'true' ? 'debug' : 'info'),
};

/**
 * The keys of Edge Manager's Greengrass component. Some are the agent's, some the uploader's, some nobody's: models
 * come by Greengrass deployments, certificates and credentials are Greengrass's. One block may be given to both.
 */
export const FORMER_KEYS: ReadonlySet<string> = new Set([
  'BucketName',
  'CaptureDataBase64EmbedLimit',
  'CaptureDataBatchSize',
  'CaptureDataBufferSize',
  'CaptureDataDestination',
  'CaptureDataDiskPath',
  'CaptureDataPeriodicUpload',
  'CaptureDataPeriodicUploadPeriodSeconds',
  'CaptureDataPushPeriodSeconds',
  'DLRBackendOptions',
  'DbEnable',
  'DeploymentEnable',
  'DeploymentPollInterval',
  'DeviceFleetName',
  'FolderPrefix',
  'LocalDataRootPath',
  'SagemakerEdgeLogVerbose',
  'UnixSocketName',
]);
/** All keys of its agent begin so. */
const AGENT_PREFIX = 'sagemaker_edge_';

/** Whether SageMaker Edge Manager knew this key. */
export function isFormerKey(key: string): boolean {
  return FORMER_KEYS.has(key) || key.startsWith(AGENT_PREFIX);
}

/** `own` with the values of former keys where it has none of its own. */
export function withFormer(own: JsonObject, former: JsonObject, aliases: Aliases): JsonObject {
  const configuration = structuredClone(own);
  for (const [key, value] of Object.entries(former)) {
    const alias = aliasOf(aliases, key);
    if (alias === undefined) continue;
    setIfAbsent(configuration, alias.to.split('.'), alias.convert?.(value) ?? value);
  }
  return configuration;
}

export function aliasOf(aliases: Aliases, key: string): Alias | undefined {
  return Object.hasOwn(aliases, key) ? aliases[key] : undefined;
}

function setIfAbsent(target: JsonObject, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    if (!Object.hasOwn(target, head)) target[head] = value as JsonObject[string];
    return;
  }
  const below = target[head];
  const next: JsonObject = isJsonObject(below) ? below : {};
  if (below === undefined) target[head] = next;
  setIfAbsent(next, rest, value);
}
