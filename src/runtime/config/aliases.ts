import { isJsonObject, type JsonObject } from '../../core/mod.js';

type Convert = (value: unknown) => unknown;
interface Alias {
  /** Where the value goes: a path of our own configuration. */
  readonly to: string;
  readonly convert?: Convert;
}

const verbose: Convert = (value) => (String(value).toLowerCase() === 'true' ? 'debug' : 'info');

/**
 * Keys of Edge Manager's agent (`sagemaker_edge_*`) and of its Greengrass component, by our own. A value of ours
 * goes before its alias.
 */
export const ALIASES: Readonly<Record<string, Alias>> = {
  DeviceFleetName: { to: 'fleet' },
  CaptureDataBatchSize: { to: 'capture.batchSize' },
  CaptureDataBufferSize: { to: 'capture.bufferSize' },
  CaptureDataPushPeriodSeconds: { to: 'capture.pushPeriodSeconds' },
  CaptureDataBase64EmbedLimit: { to: 'capture.embedLimit' },
  FolderPrefix: { to: 'capture.folderPrefix' },
  SagemakerEdgeLogVerbose: { to: 'logLevel', convert: verbose },
  sagemaker_edge_core_device_name: { to: 'deviceName' },
  sagemaker_edge_core_device_uuid: { to: 'deviceName' },
  sagemaker_edge_core_device_fleet_name: { to: 'fleet' },
  sagemaker_edge_core_folder_prefix: { to: 'capture.folderPrefix' },
  sagemaker_edge_core_capture_data_buffer_size: { to: 'capture.bufferSize' },
  sagemaker_edge_core_capture_data_batch_size: { to: 'capture.batchSize' },
  sagemaker_edge_core_capture_data_push_period_seconds: { to: 'capture.pushPeriodSeconds' },
  sagemaker_edge_core_capture_data_base64_embed_limit: { to: 'capture.embedLimit' },
  sagemaker_edge_log_verbose: { to: 'logLevel', convert: verbose },
};

/**
 * Former keys without a counterpart here, with the reason. Where to upload belongs to the uploader's
 * configuration; models come by Greengrass deployments; certificates and credentials are Greengrass's.
 */
export const WITHOUT_COUNTERPART: ReadonlySet<string> = new Set([
  'BucketName',
  'CaptureDataDestination',
  'CaptureDataDiskPath',
  'CaptureDataPeriodicUpload',
  'CaptureDataPeriodicUploadPeriodSeconds',
  'LocalDataRootPath',
  'DbEnable',
  'DeploymentEnable',
  'DeploymentPollInterval',
  'DLRBackendOptions',
  'UnixSocketName',
]);

/** Keys that Greengrass keeps beside ours. */
const FOREIGN = new Set(['accessControl']);

export interface Resolved {
  readonly configuration: JsonObject;
  /** Former keys that have no effect here. */
  readonly ignored: readonly string[];
}

/** Moves former keys to ours. Unknown keys stay, for validation to name them. */
export function resolveAliases(raw: JsonObject): Resolved {
  const configuration = structuredClone(raw);
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(raw)) {
    const alias = Object.hasOwn(ALIASES, key) ? ALIASES[key] : undefined;
    if (alias !== undefined) {
      delete configuration[key];
      setIfAbsent(
        configuration,
        alias.to.split('.'),
        alias.convert === undefined ? value : alias.convert(value),
      );
    } else if (WITHOUT_COUNTERPART.has(key) || key.startsWith('sagemaker_edge_')) {
      delete configuration[key];
      ignored.push(key);
    } else if (FOREIGN.has(key)) {
      delete configuration[key];
    }
  }
  return { configuration, ignored };
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
