import { Type, type Static } from '@sinclair/typebox';
import { coerce, EdgeError, isJsonObject, LOG_LEVELS, validate, type JsonObject } from '../core/mod.js';

const literals = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
const path = Type.String({ minLength: 1, maxLength: 1024, pattern: '^/' });

/** The uploader's configuration by its own keys; Edge Manager's are aliases of them. */
export const UploadConfigSchema = Type.Object(
  {
    /** Needed for destination Cloud, and for Disk with periodic upload. */
    bucket: Type.Optional(
      Type.String({ minLength: 3, maxLength: 255, pattern: '^[A-Za-z0-9][A-Za-z0-9.:/_-]+$' }),
    ),
    /** Default: AWS_REGION, as Greengrass gives it. */
    region: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
    /** A store other than AWS's, or a VPC endpoint. */
    endpoint: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 1024 })),
    /** Default: true with an endpoint. */
    forcePathStyle: Type.Optional(Type.Boolean()),
    /** Id, ARN or alias of the key for server-side encryption. */
    kmsKeyId: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    requestChecksumCalculation: literals(['WHEN_SUPPORTED', 'WHEN_REQUIRED']),
    destination: literals(['Cloud', 'Disk']),
    /** Folder for destination Disk. Default: `capture` in the component's work folder. */
    diskPath: Type.Optional(path),
    /** Destination Disk: upload as well, every `uploadPeriodSeconds`. */
    periodicUpload: Type.Boolean(),
    uploadPeriodSeconds: Type.Number({ minimum: 1, maximum: 86_400 }),
    /** Default: the agent's. */
    spoolFolder: Type.Optional(path),
    gzip: Type.Boolean(),
    order: literals(['oldest-first', 'newest-first']),
    maxConcurrency: Type.Integer({ minimum: 1, maximum: 16 }),
    /** Absent: no cap. */
    maxBytesPerSecond: Type.Optional(Type.Number({ minimum: 1024 })),
    /** First attempts after a start or an outage are spread over so long; 0: not at all. */
    startSpreadSeconds: Type.Number({ minimum: 0, maximum: 3600 }),
    scanPeriodSeconds: Type.Number({ minimum: 1, maximum: 3600 }),
    /** A request's deadline, whatever its size; larger bodies get more. */
    requestTimeoutSeconds: Type.Number({ minimum: 1, maximum: 3600 }),
    logLevel: literals(LOG_LEVELS),
  },
  { additionalProperties: false },
);
export type UploadConfig = Static<typeof UploadConfigSchema>;

const DEFAULTS: JsonObject = {
  requestChecksumCalculation: 'WHEN_SUPPORTED',
  destination: 'Cloud',
  periodicUpload: false,
  uploadPeriodSeconds: 8,
  gzip: false,
  order: 'oldest-first',
  maxConcurrency: 4,
  startSpreadSeconds: 60,
  scanPeriodSeconds: 30,
  requestTimeoutSeconds: 60,
  logLevel: 'info',
};

/** Keys of Edge Manager's Greengrass component and of its agent, by ours. A value of ours goes before its alias. */
const ALIASES: Readonly<Record<string, keyof UploadConfig>> = {
  BucketName: 'bucket',
  CaptureDataDestination: 'destination',
  CaptureDataDiskPath: 'diskPath',
  CaptureDataPeriodicUpload: 'periodicUpload',
  CaptureDataPeriodicUploadPeriodSeconds: 'uploadPeriodSeconds',
  sagemaker_edge_core_region: 'region',
  sagemaker_edge_provider_s3_bucket_name: 'bucket',
  sagemaker_edge_core_capture_data_destination: 'destination',
  sagemaker_edge_core_capture_data_disk_path: 'diskPath',
  sagemaker_edge_core_capture_data_periodic_upload: 'periodicUpload',
  sagemaker_edge_core_capture_data_periodic_upload_period_seconds: 'uploadPeriodSeconds',
};

/** Keys that may stand here for Greengrass, or for the agent, which fixes object keys and batches. */
const WITHOUT_EFFECT =
  /^(accessControl|FolderPrefix|DeviceFleetName|CaptureData(BatchSize|BufferSize|PushPeriodSeconds|Base64EmbedLimit)|LocalDataRootPath|DbEnable|DeploymentEnable|DeploymentPollInterval|DLRBackendOptions|UnixSocketName|sagemaker_edge_\w+)$/;

/**
 * Reads the effective component configuration: former keys by their aliases, values leniently (nucleus lite gives
 * YAML scalars as strings), as a whole.
 * @throws INVALID_ARGUMENT that names the key
 */
export function parseUploadConfig(raw: unknown): UploadConfig {
  const what = 'Cannot read the configuration';
  if (!isJsonObject(raw)) throw new EdgeError('CONFIGURATION_INVALID', `${what} as it must be an object`);
  const given: JsonObject = { ...DEFAULTS };
  const own = Object.entries(raw).filter(([key]) => Object.hasOwn(UploadConfigSchema.properties, key));
  const others = Object.entries(raw).filter(([key]) => !Object.hasOwn(UploadConfigSchema.properties, key));
  for (const [key, value] of others) {
    const alias = Object.hasOwn(ALIASES, key) ? ALIASES[key] : undefined;
    if (alias !== undefined) given[alias] = value;
    else if (key === 'SagemakerEdgeLogVerbose' || key === 'sagemaker_edge_log_verbose')
      given['logLevel'] = coerce(Type.Boolean(), value) === true ? 'debug' : 'info';
    else if (!WITHOUT_EFFECT.test(key)) given[key] = value;
  }
  for (const [key, value] of own) given[key] = value;
  // An empty string stands for "not set": a merge can't take a key away.
  const set = Object.entries(given).filter(([, value]) => value !== '' && value !== null);
  const filled = coerce(UploadConfigSchema, { ...DEFAULTS, ...Object.fromEntries(set) });
  const config = validate(UploadConfigSchema, filled, what);
  if (config.bucket === undefined && (config.destination === 'Cloud' || config.periodicUpload)) {
    throw new EdgeError('CONFIGURATION_INVALID', `${what} as 'bucket' is missing`, {
      field: 'bucket',
      nextStep: "Set 'bucket' (or BucketName), or 'destination' to Disk",
    });
  }
  return config;
}
