import { Type } from '@sinclair/typebox';
import { messageOf } from '../../../core/mod.js';
import type { Behaviour } from './behaviour.js';
import { denied, eventBody, operation } from './call.js';
import { refuse, refuseWith, respond, type Reply } from './reply.js';

const SERVICE = 'aws.greengrass.ipc.mqttproxy';
/** IoT Core takes no more in one message. */
const MAX_PAYLOAD_BYTES = 128 * 1024;

const Qos = Type.Optional(Type.Union([Type.String(), Type.Integer(), Type.Null()]));

export const publishToIotCore = operation(
  Type.Object({ topicName: Type.Optional(Type.String()), qos: Qos, payload: Type.Optional(Type.String()) }),
  async (call, { topicName, qos, payload }) => {
    if (topicName === undefined) return refuseWith(call.services.behaviour.sayings.noIotTopic);
    const refusal = denied(call, SERVICE, topicName) ?? refusedQos(call.services.behaviour, qos);
    if (refusal !== undefined) return refusal;
    if (payload === undefined && call.services.behaviour.profile === 'nucleus') {
      return refuse('InvalidArgumentsError', 'Payload is required');
    }
    const bytes = Buffer.from(payload ?? '', 'base64');
    if (bytes.byteLength > MAX_PAYLOAD_BYTES) {
      return refuse(
        'ServiceError',
        `Publish to topic ${topicName} failed: The publishing message size ${bytes.byteLength} bytes exceeds the configured limit of ${MAX_PAYLOAD_BYTES} bytes`,
      );
    }
    try {
      await call.services.iotCore.publish(topicName, bytes, Number(qos ?? 0));
      return respond();
    } catch (error) {
      const why = messageOf(error);
      const isLite = call.services.behaviour.profile === 'lite';
      return refuse('ServiceError', isLite ? why : `Publish to topic ${topicName} failed: ${why}`);
    }
  },
);

export const subscribeToIotCore = operation(
  Type.Object({ topicName: Type.String(), qos: Qos }),
  (call, { topicName, qos }) => {
    const { behaviour, iotCore } = call.services;
    const refusal = denied(call, SERVICE, topicName) ?? refusedQos(behaviour, qos);
    if (refusal !== undefined) return refusal;
    const end = iotCore.subscribe(topicName, (topic, payload) => {
      const message = { topicName: topic, payload: Buffer.from(payload).toString('base64') };
      const extra = behaviour.profile === 'nucleus' ? { retain: false, payloadFormat: '0' } : {};
      void call.stream.send('IoTCoreMessage', eventBody({ message: { ...message, ...extra } }));
    });
    call.stream.onEnd(end);
    return respond();
  },
  { isStreaming: true },
);

/** The nucleus wants 0 or 1; lite takes 0 to 2, as text or number, and none for 0. */
function refusedQos(behaviour: Behaviour, qos: string | number | null | undefined): Reply | undefined {
  if (behaviour.profile === 'nucleus') {
    if (qos === undefined || qos === null) return refuse('InvalidArgumentsError', 'QoS is required');
    return ['0', '1'].includes(String(qos))
      ? undefined
      : refuse('InvalidArgumentsError', `Invalid QoS value: ${qos}`);
  }
  return qos === undefined || qos === null || ['0', '1', '2'].includes(String(qos))
    ? undefined
    : refuse('ServiceError', "Failed to parse 'qos' string value.");
}
