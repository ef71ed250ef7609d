import { VERBOSE, type Aliases } from '../../component/configuration/mod.js';

/** Keys of Edge Manager's agent (`sagemaker_edge_*`) and of its Greengrass component that are the agent's, by our own. */
export const ALIASES: Aliases = {
  DeviceFleetName: { to: 'fleet' },
  CaptureDataBatchSize: { to: 'capture.batchSize' },
  CaptureDataBufferSize: { to: 'capture.bufferSize' },
  CaptureDataPushPeriodSeconds: { to: 'capture.pushPeriodSeconds' },
  CaptureDataBase64EmbedLimit: { to: 'capture.embedLimit' },
  FolderPrefix: { to: 'capture.folderPrefix' },
  SagemakerEdgeLogVerbose: VERBOSE,
  sagemaker_edge_core_device_name: { to: 'deviceName' },
  sagemaker_edge_core_device_uuid: { to: 'deviceName' },
  sagemaker_edge_core_device_fleet_name: { to: 'fleet' },
  sagemaker_edge_core_folder_prefix: { to: 'capture.folderPrefix' },
  sagemaker_edge_core_capture_data_buffer_size: { to: 'capture.bufferSize' },
  sagemaker_edge_core_capture_data_batch_size: { to: 'capture.batchSize' },
  sagemaker_edge_core_capture_data_push_period_seconds: { to: 'capture.pushPeriodSeconds' },
  sagemaker_edge_core_capture_data_base64_embed_limit: { to: 'capture.embedLimit' },
  sagemaker_edge_log_verbose: VERBOSE,
};
