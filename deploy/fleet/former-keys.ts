import { ALIASES } from './component-configuration.js';

/** Keys of Edge Manager's agent that say what a fleet, a device or the uploader has here. */
const USED = new Set([
  'sagemaker_edge_core_iot_thing_name',
  'sagemaker_edge_core_region',
  'sagemaker_edge_provider_aws_iot_cred_endpoint',
  'sagemaker_edge_provider_s3_bucket_name',
  'sagemaker_edge_core_capture_data_destination',
  'sagemaker_edge_core_capture_data_disk_path',
  'sagemaker_edge_core_capture_data_periodic_upload',
  'sagemaker_edge_core_capture_data_periodic_upload_period_seconds',
  'BucketName',
  'CaptureDataDestination',
  'CaptureDataDiskPath',
  'CaptureDataPeriodicUpload',
  'CaptureDataPeriodicUploadPeriodSeconds',
]);

const GREENGRASS = 'Greengrass deployments bring models: edge-manager deploy';
const CREDENTIALS = 'Greengrass holds certificates and gives credentials by its token exchange';
const SPOOL = 'the spool keeps captures through crashes and power cuts always';

/** Why a former key has no counterpart, in a few words. */
const REASONS: Readonly<Record<string, string>> = {
  sagemaker_edge_core_root_certs_path:
    'models are signed with keys of your own: signature.trustedKeys of the agent (docs/security.md)',
  sagemaker_edge_core_endpoint_override: 'there is no service of its own to talk to',
  sagemaker_edge_core_config_path: 'a deployment brings the configuration',
  sagemaker_edge_provider_provider: CREDENTIALS,
  sagemaker_edge_provider_provider_path: CREDENTIALS,
  sagemaker_edge_provider_aws_ca_cert_file: CREDENTIALS,
  sagemaker_edge_provider_aws_cert_file: CREDENTIALS,
  sagemaker_edge_provider_aws_cert_pk_file: CREDENTIALS,
  sagemaker_edge_telemetry_libsystemd_path: 'Greengrass watches the process, the heartbeat tells of errors',
  sagemaker_edge_db_module_path: SPOOL,
  sagemaker_edge_local_data_root_path: 'the data lie in the component’s work folder',
  sagemaker_edge_deployment_lib_path: GREENGRASS,
  sagemaker_edge_model_deployment_poll_interval: GREENGRASS,
  sagemaker_edge_dlr_backend_options:
    'ONNX Runtime takes the place of DLR: profile and threadBudget of the agent',
  LocalDataRootPath: 'the data lie in the component’s work folder',
  DbEnable: SPOOL,
  DeploymentEnable: GREENGRASS,
  DeploymentPollInterval: GREENGRASS,
  DLRBackendOptions: 'ONNX Runtime takes the place of DLR: profile and threadBudget of the agent',
  UnixSocketName: 'apps talk to the agent over Greengrass IPC, with the client SDK',
};

/** Whether a key of a former configuration file has a counterpart here. */
export function hasCounterpart(key: string): boolean {
  return Object.hasOwn(ALIASES, key) || USED.has(key);
}

/** Whether the agent, or Edge Manager's Greengrass component, had such a key. */
export function isFormerKey(key: string): boolean {
  return hasCounterpart(key) || Object.hasOwn(REASONS, key) || key.startsWith('sagemaker_edge_');
}

export function reasonAgainst(key: string): string {
  return (
    (Object.hasOwn(REASONS, key) ? REASONS[key] : undefined) ?? 'no key of Edge Manager that is known here'
  );
}
