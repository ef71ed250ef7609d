import { Type, type Static } from '@sinclair/typebox';
import {
  parseComponentConfiguration,
  VERBOSE,
  type Aliases,
  type Parsed,
} from '../../component/configuration/mod.js';
import { EdgeError, LOG_LEVELS } from '../../core/mod.js';

const literals = <const T extends readonly string[]>(values: T, fallback: T[number]) =>
  Type.Unsafe<T[number]>(Type.String({ enum: [...values], default: fallback }));
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
    /** A new configuration whose endpoint is http beyond this machine is refused without. */
    allowHttp: Type.Optional(Type.Boolean()),
    /** Certificate authorities to trust beside the system's, a file in PEM. */
    caFile: Type.Optional(path),
    /** Default: AWS_USE_FIPS_ENDPOINT, where there is no endpoint. */
    useFipsEndpoint: Type.Optional(Type.Boolean()),
    /** Default: AWS_USE_DUALSTACK_ENDPOINT, where there is no endpoint. */
    useDualstackEndpoint: Type.Optional(Type.Boolean()),
    /** Default: true with an endpoint. */
    forcePathStyle: Type.Optional(Type.Boolean()),
    /** Id, ARN or alias of the key for server-side encryption. */
    kmsKeyId: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    requestChecksumCalculation: literals(['WHEN_SUPPORTED', 'WHEN_REQUIRED'], 'WHEN_SUPPORTED'),
    destination: literals(['Cloud', 'Disk'], 'Cloud'),
    /** Folder for destination Disk. Default: `capture` in the component's work folder. */
    diskPath: Type.Optional(path),
    /** Destination Disk: upload as well, every `uploadPeriodSeconds`. */
    periodicUpload: Type.Boolean({ default: false }),
    uploadPeriodSeconds: Type.Number({ default: 8, minimum: 1, maximum: 86_400 }),
    /** Default: the agent's. */
    spoolFolder: Type.Optional(path),
    gzip: Type.Boolean({ default: false }),
    order: literals(['oldest-first', 'newest-first'], 'oldest-first'),
    maxConcurrency: Type.Integer({ default: 4, minimum: 1, maximum: 16 }),
    /** Absent: no cap. */
    maxBytesPerSecond: Type.Optional(Type.Number({ minimum: 1024 })),
    /** First attempts after a start or an outage are spread over so long; 0: not at all. */
    startSpreadSeconds: Type.Number({ default: 60, minimum: 0, maximum: 3600 }),
    scanPeriodSeconds: Type.Number({ default: 30, minimum: 1, maximum: 3600 }),
    /** A request's deadline, whatever its size; larger bodies get more. */
    requestTimeoutSeconds: Type.Number({ default: 60, minimum: 1, maximum: 3600 }),
    logLevel: literals(LOG_LEVELS, 'info'),
  },
  { additionalProperties: false },
);
export type UploadConfig = Static<typeof UploadConfigSchema>;

/** Keys of Edge Manager's Greengrass component and of its agent that are the uploader's, by our own. */
const ALIASES: Aliases = {
  BucketName: { to: 'bucket' },
  CaptureDataDestination: { to: 'destination' },
  CaptureDataDiskPath: { to: 'diskPath' },
  CaptureDataPeriodicUpload: { to: 'periodicUpload' },
  CaptureDataPeriodicUploadPeriodSeconds: { to: 'uploadPeriodSeconds' },
  SagemakerEdgeLogVerbose: VERBOSE,
  sagemaker_edge_core_region: { to: 'region' },
  sagemaker_edge_provider_s3_bucket_name: { to: 'bucket' },
  sagemaker_edge_core_capture_data_destination: { to: 'destination' },
  sagemaker_edge_core_capture_data_disk_path: { to: 'diskPath' },
  sagemaker_edge_core_capture_data_periodic_upload: { to: 'periodicUpload' },
  sagemaker_edge_core_capture_data_periodic_upload_period_seconds: { to: 'uploadPeriodSeconds' },
  sagemaker_edge_log_verbose: VERBOSE,
};

/**
 * Reads the uploader's effective configuration.
 * @throws INVALID_ARGUMENT that names the key
 */
export function parseUploadConfig(raw: unknown): Parsed<UploadConfig> {
  return parseComponentConfiguration({ schema: UploadConfigSchema, aliases: ALIASES, checkTogether }, raw);
}

function checkTogether({ bucket, destination, periodicUpload }: UploadConfig): void {
  if (bucket !== undefined || (destination === 'Disk' && !periodicUpload)) return;
  throw new EdgeError('CONFIGURATION_INVALID', "Cannot read the configuration as 'bucket' is missing", {
    field: 'bucket',
    nextStep: "Set 'bucket' (or BucketName), or 'destination' to Disk",
  });
}
