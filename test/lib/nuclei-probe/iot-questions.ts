import type { Json, JsonObject } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

const payload = (bytes: number): string => Buffer.alloc(bytes, 65).toString('base64');
const publish = (body: JsonObject) => (probe: Probe) =>
  probe.ask('PublishToIoTCore', { topicName: 'probe/iot', payload: payload(1), ...body });

/** Asked once with the way to IoT Core open, and once with it closed. */
export const OFFLINE_QUESTIONS: Questions = {
  'IoT Core offline: QoS 0': publish({ qos: '0' }),
  'IoT Core offline: QoS 1': publish({ qos: '1' }),
};

export const IOT_QUESTIONS: Questions = {
  'IoT Core: QoS 0': publish({ qos: '0' }),
  'IoT Core: QoS 1': publish({ qos: '1' }),
  'IoT Core: QoS as a number': publish({ qos: 1 }),
  'IoT Core: QoS 2': publish({ qos: '2' }),
  'IoT Core: nonsense as QoS': publish({ qos: 'x' }),
  'IoT Core: no QoS': publish({}),
  'IoT Core: no payload': (probe) => probe.ask('PublishToIoTCore', { topicName: 'probe/iot', qos: '1' }),
  'IoT Core: no topic': (probe) => probe.ask('PublishToIoTCore', { qos: '1', payload: payload(1) }),
  'IoT Core: without the right': (probe) =>
    probe.ask('PublishToIoTCore', { topicName: 'no/right', qos: '1', payload: payload(1) }),
  'IoT Core: 131072 bytes': publish({ qos: '1', payload: payload(131_072) }),
  'IoT Core: 131073 bytes': publish({ qos: '1', payload: payload(131_073) }),
  'IoT Core: subscribed without the right': (probe) =>
    probe.ask('SubscribeToIoTCore', { topicName: 'no/right', qos: '1' }),
  'IoT Core: a message of its own comes back': async (probe): Promise<Json> => {
    const listening = await probe.listen('SubscribeToIoTCore', { topicName: 'probe/iot', qos: '1' });
    await publish({ qos: '1' })(probe);
    return { answer: listening.answer, got: await listening.events(1) };
  },
};
