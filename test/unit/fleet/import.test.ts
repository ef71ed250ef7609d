import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { fleetsYaml, importFleets, parseFleets } from '../../../deploy/mod.js';
import { EdgeError } from '../../../src/core/mod.js';

/** An answer of DescribeDeviceFleet with every field. */
const FLEET = {
  DeviceFleetName: 'ovens',
  DeviceFleetArn: 'arn:aws:sagemaker:eu-west-1:123456789012:device-fleet/ovens',
  OutputConfig: {
    S3OutputLocation: 's3://my-sagemaker-captures/fleet',
    KmsKeyId: 'alias/captures',
    PresetDeploymentType: 'GreengrassV2Component',
    PresetDeploymentConfig: '{"ComponentName":"x"}',
  },
  Description: 'Ovens of hall 3',
  CreationTime: '2021-07-23T17:00:05-04:00',
  LastModifiedTime: '2021-07-23T17:00:05-04:00',
  RoleArn: 'arn:aws:iam::123456789012:role/SageMakerDevices',
  IotRoleAlias: 'arn:aws:iot:eu-west-1:123456789012:rolealias/SageMakerEdge-ovens',
};

/** A configuration file of the bare agent with every key. */
const AGENT = {
  sagemaker_edge_core_device_name: 'oven-1',
  sagemaker_edge_core_iot_thing_name: 'serial-1',
  sagemaker_edge_core_device_fleet_name: 'ovens',
  sagemaker_edge_core_region: 'eu-west-1',
  sagemaker_edge_core_root_certs_path: '/edge/certificates',
  sagemaker_edge_core_endpoint_override: 'https://example.com',
  sagemaker_edge_provider_provider: 'Aws',
  sagemaker_edge_provider_provider_path: '/edge/libprovider_aws.so',
  sagemaker_edge_provider_aws_ca_cert_file: '/edge/AmazonRootCA1.pem',
  sagemaker_edge_provider_aws_cert_file: '/edge/device.pem',
  sagemaker_edge_provider_aws_cert_pk_file: '/edge/device.key',
  sagemaker_edge_provider_aws_iot_cred_endpoint:
    'https://example.credentials.iot.eu-west-1.amazonaws.com/role-aliases/SageMakerEdge-ovens/credentials',
  sagemaker_edge_provider_s3_bucket_name: 'my-sagemaker-captures',
  sagemaker_edge_core_capture_data_destination: 'Cloud',
  sagemaker_edge_core_capture_data_disk_path: '/edge/capture',
  sagemaker_edge_core_folder_prefix: 'hall-3/',
  sagemaker_edge_core_capture_data_buffer_size: 30,
  sagemaker_edge_core_capture_data_batch_size: '15',
  sagemaker_edge_core_capture_data_push_period_seconds: 8,
  sagemaker_edge_core_capture_data_base64_embed_limit: 2048,
  sagemaker_edge_core_capture_data_periodic_upload: 'false',
  sagemaker_edge_core_capture_data_periodic_upload_period_seconds: 60,
  sagemaker_edge_log_verbose: true,
  sagemaker_edge_telemetry_libsystemd_path: '/lib/libsystemd.so',
  sagemaker_edge_db_module_path: '/edge/libdb.so',
  sagemaker_edge_local_data_root_path: '/edge/data',
  sagemaker_edge_deployment_lib_path: '/edge/libdeployment.so',
  sagemaker_edge_model_deployment_poll_interval: 1440,
  sagemaker_edge_dlr_backend_options: 'TVM_TENSORRT_CACHE_DIR=/edge/cache',
};

const of = (...values: unknown[]) =>
  importFleets(values.map((value, index) => ({ source: `${index}.json`, value })));

describe('importFleets', () => {
  it('takes an Edge Manager fleet, and names what has no counterpart', () => {
    const { file, without } = of(FLEET);
    assert.deepEqual(file.fleets['ovens'], {
      description: 'Ovens of hall 3',
      roleAlias: FLEET.IotRoleAlias,
      roleArn: FLEET.RoleArn,
      output: { s3OutputLocation: 's3://my-sagemaker-captures/fleet', kmsKeyId: 'alias/captures' },
    });
    assert.deepEqual(without.map(({ key }) => key).sort(), [
      'CreationTime',
      'DeviceFleetArn',
      'LastModifiedTime',
      'PresetDeploymentConfig',
      'PresetDeploymentType',
    ]);
  });

  it('takes an agent configuration file: each key is used, or named with the reason', () => {
    const { file, without } = of(AGENT);
    assert.deepEqual(file.fleets['ovens'], {
      roleAlias: 'SageMakerEdge-ovens',
      output: { s3OutputLocation: 's3://my-sagemaker-captures/hall-3' },
      agent: {
        logLevel: 'debug',
        capture: { bufferSize: 30, batchSize: 15, pushPeriodSeconds: 8, embedLimit: 2048 },
      },
      uploader: {
        region: 'eu-west-1',
        diskPath: '/edge/capture',
        uploadPeriodSeconds: 60,
        logLevel: 'debug',
      },
      devices: [{ name: 'oven-1', thingName: 'serial-1' }],
    });
    const named = without.map(({ key }) => key);
    assert.deepEqual(named.sort(), [
      'sagemaker_edge_core_endpoint_override',
      'sagemaker_edge_core_root_certs_path',
      'sagemaker_edge_db_module_path',
      'sagemaker_edge_deployment_lib_path',
      'sagemaker_edge_dlr_backend_options',
      'sagemaker_edge_local_data_root_path',
      'sagemaker_edge_model_deployment_poll_interval',
      'sagemaker_edge_provider_aws_ca_cert_file',
      'sagemaker_edge_provider_aws_cert_file',
      'sagemaker_edge_provider_aws_cert_pk_file',
      'sagemaker_edge_provider_provider',
      'sagemaker_edge_provider_provider_path',
      'sagemaker_edge_telemetry_libsystemd_path',
    ]);
    for (const { reason } of without) assert.doesNotMatch(reason, /known here/);
  });

  it('takes a configuration of the Greengrass component', () => {
    const { file, without } = of({
      DeviceFleetName: 'ovens',
      BucketName: 'my-sagemaker-captures',
      CaptureDataBatchSize: '5',
      CaptureDataDestination: 'Disk',
      CaptureDataPeriodicUpload: 'true',
      UnixSocketName: '/tmp/edge.sock',
      Mistyped: '1',
    });
    assert.deepEqual(file.fleets['ovens'], {
      output: { s3OutputLocation: 's3://my-sagemaker-captures' },
      agent: { capture: { batchSize: 5 } },
      uploader: { destination: 'Disk', periodicUpload: true },
    });
    assert.deepEqual(
      without.map(({ key }) => key),
      ['UnixSocketName', 'Mistyped'],
    );
  });

  it('has the bare agent’s default destination, which was the disk', () => {
    const { file } = of({ sagemaker_edge_core_device_fleet_name: 'ovens' });
    assert.deepEqual(file.fleets['ovens'], { uploader: { destination: 'Disk' } });
  });

  it('puts the documents of a fleet together, and tells where they differ', () => {
    const devices = {
      DeviceSummaries: [
        {
          DeviceName: 'oven-1',
          DeviceArn: 'arn:x',
          DeviceFleetName: 'ovens',
          Description: 'the old one',
          RegistrationTime: 1,
          Models: [],
        },
        { DeviceName: 'oven-2', DeviceFleetName: 'ovens', IotThingName: 'oven-2' },
        { DeviceName: 'grill-1', DeviceFleetName: 'grills' },
      ],
    };
    const { file, without } = of(FLEET, devices, AGENT);
    assert.deepEqual(file.fleets['ovens']?.output, {
      s3OutputLocation: 's3://my-sagemaker-captures/hall-3',
      kmsKeyId: 'alias/captures',
    });
    assert.deepEqual(file.fleets['ovens']?.devices, [
      { name: 'oven-1', thingName: 'serial-1', description: 'the old one' },
      'oven-2',
    ]);
    assert.deepEqual(file.fleets['grills'], { devices: ['grill-1'] });
    const differs = without.filter(({ key }) => key === 'output.s3OutputLocation');
    assert.match(differs[0]?.reason ?? '', /"s3:\/\/my-sagemaker-captures\/fleet" where another/);
  });

  it('writes YAML that reads back as the same fleets, with what is missing above', () => {
    const imported = of(FLEET, AGENT);
    const text = fleetsYaml(imported);
    assert.match(text, /^# - sagemaker_edge_core_root_certs_path \(1\.json\): models are signed/m);
    assert.deepEqual(parseFleets(parse(text)), parseFleets(imported.file));
  });

  it('lets no key of a document out of its comment', () => {
    const text = fleetsYaml(of({ ...FLEET, 'a\nfleets: { evil: {} }': 1 }));
    assert.deepEqual(Object.keys((parse(text) as { fleets: object }).fleets), ['ovens']);
  });

  const refusals: [string, unknown, RegExp][] = [
    ['another document', { hello: 1 }, /0\.json as it is nothing of Edge Manager/],
    ['no document', 'text', /nothing of Edge Manager/],
    ['an agent without a fleet', { sagemaker_edge_core_device_name: 'a' }, /0\.json as it names no fleet/],
    [
      'a wrong value',
      { DeviceFleetName: 'ovens', CaptureDataBatchSize: 'many', BucketName: 'abc' },
      /Cannot import 0\.json as 'capture\.batchSize' must be a whole number/,
    ],
    ['a device without a fleet', { DeviceName: 'a' }, /device 0 has no DeviceFleetName/],
    ['one page of a list', { DeviceSummaries: [], NextToken: 'x' }, /one page of a longer list/],
    ['an empty list', { DeviceSummaries: [] }, /the documents name none/],
  ];
  for (const [title, value, pattern] of refusals) {
    it(`refuses ${title}, with the next step`, () => {
      assert.throws(
        () => of(value),
        (error) => error instanceof EdgeError && pattern.test(error.message) && error.nextStep !== undefined,
      );
    });
  }
});
