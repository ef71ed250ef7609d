import { Type, type Static } from '@sinclair/typebox';

const Count = Type.Integer({ minimum: 0 });

/** Edge Manager's names; the definitions stand in docs/operations.md. */
export const ModelReport = Type.Object({
  modelName: Type.String(),
  modelVersion: Type.String(),
  offlineDeviceCount: Count,
  connectedDeviceCount: Count,
  activeDeviceCount: Count,
  samplingDeviceCount: Count,
  driftedDeviceCount: Count,
});
export type ModelReport = Static<typeof ModelReport>;

/** Each device once: connected ones by the worst of their models, the others as offline. */
export const DeviceStates = Type.Object({
  healthy: Count,
  probation: Count,
  drifted: Count,
  failing: Count,
  /** Connected, but no agent of it ever reported. */
  silent: Count,
  offline: Count,
});
export type DeviceStates = Static<typeof DeviceStates>;

/** GetDeviceFleetReport's counterpart, and a line of a history file. Times are milliseconds since the Unix epoch. */
export const FleetReport = Type.Object({
  deviceFleetName: Type.String(),
  deviceFleetArn: Type.String(),
  description: Type.String(),
  outputConfig: Type.Object({
    s3OutputLocation: Type.Optional(Type.String()),
    kmsKeyId: Type.Optional(Type.String()),
  }),
  reportGeneratedMs: Type.Number(),
  deviceStats: Type.Object({ registeredDeviceCount: Count, connectedDeviceCount: Count }),
  deviceStates: DeviceStates,
  agentVersions: Type.Array(Type.Object({ version: Type.String(), agentCount: Count })),
  modelStats: Type.Array(ModelReport),
  /** Over the devices' highest p99 of a serving model, in milliseconds. */
  latencyP99Ms: Type.Array(Type.Object({ percent: Type.Number(), value: Type.Number() })),
  /** Sums over the devices; absent where fleet indexing has no field for them. */
  capture: Type.Optional(
    Type.Object({
      /** Records in S3, since each agent's start. */
      deliveredRecords: Type.Optional(Count),
      /** Records that wait on devices. */
      queuedRecords: Type.Optional(Count),
    }),
  ),
});
export type FleetReport = Static<typeof FleetReport>;
