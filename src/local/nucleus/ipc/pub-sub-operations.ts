import { Type } from '@sinclair/typebox';
import { isJsonObject, type Json } from '../../../core/mod.js';
import type { Behaviour } from './behaviour.js';
import { denied, operation } from './call.js';
import type { Publication, ReceiveMode } from './pub-sub.js';
import { refuse, refuseWith, respond, type Reply } from './reply.js';
import { isWildcardFilter } from './topics.js';

const SERVICE = 'aws.greengrass.ipc.pubsub';

const PublishRequest = Type.Object({
  topic: Type.Optional(Type.String()),
  publishMessage: Type.Object({
    jsonMessage: Type.Optional(Type.Object({ message: Type.Unsafe<Json>({}) })),
    binaryMessage: Type.Optional(Type.Object({ message: Type.String() })),
  }),
});

export const publishToTopic = operation(PublishRequest, (call, request) => {
  const { behaviour, pubSub } = call.services;
  const { jsonMessage, binaryMessage } = request.publishMessage;
  const { topic } = request;
  if (topic === undefined) return refuseWith(behaviour.sayings.noPublishTopic);
  const kinds = Number(jsonMessage !== undefined) + Number(binaryMessage !== undefined);
  if (kinds > 1 || (kinds < 1 && behaviour.profile === 'lite')) return behaviour.malformed();
  if (behaviour.profile === 'nucleus' && jsonMessage !== undefined && !isJsonObject(jsonMessage.message)) {
    // The Java nucleus runs into a null pointer, and says so without words.
    return jsonMessage.message === null ? refuse('ServiceError', undefined) : behaviour.malformed();
  }
  const refusal = denied(call, SERVICE, topic) ?? refusedTopic(behaviour, topic);
  if (refusal !== undefined) return refusal;
  const message: Publication['message'] | undefined =
    jsonMessage !== undefined
      ? { kind: 'json', value: jsonMessage.message }
      : binaryMessage && { kind: 'binary', base64: binaryMessage.message };
  // The Java nucleus takes a publication without a message, and delivers nothing.
  if (message === undefined) return respond();
  const publication: Publication = { topic, sender: call.component, message };
  if (behaviour.acksBeforeDelivery) {
    return { kind: 'response', body: '{}', after: () => void pubSub.publish(publication) };
  }
  const waiting = pubSub.publish(publication);
  return waiting instanceof Promise ? waiting.then(() => respond()) : respond();
});

function refusedTopic(behaviour: Behaviour, topic: string): Reply | undefined {
  if (!behaviour.allowsWildcardPublish && /[+#*]/.test(topic)) {
    return refuse('InvalidArgumentsError', 'Publish topic must not contain a wildcard.');
  }
  return isTooLong(behaviour, topic) ? refuse('ServiceError', 'Failed to publish the message.') : undefined;
}

const SubscribeRequest = Type.Object({
  topic: Type.Optional(Type.String()),
  receiveMode: Type.Optional(Type.String()),
});

export const subscribeToTopic = operation(
  SubscribeRequest,
  (call, { topic, receiveMode }) => {
    const { behaviour, pubSub } = call.services;
    if (topic === undefined) return refuseWith(behaviour.sayings.noSubscribeTopic);
    const refusal = denied(call, SERVICE, topic);
    if (refusal !== undefined) return refusal;
    if (isTooLong(behaviour, topic) || pubSub.isFull) {
      return refuse('ServiceError', 'Failed to bind subscription.');
    }
    pubSub.subscribe(call.component, topic, effectiveMode(behaviour, topic, receiveMode), call.stream);
    return respond();
  },
  { isStreaming: true },
);

function effectiveMode(behaviour: Behaviour, topic: string, wanted: string | undefined): ReceiveMode {
  if (!behaviour.honoursReceiveMode) return 'RECEIVE_ALL_MESSAGES';
  if (wanted === 'RECEIVE_ALL_MESSAGES' || wanted === 'RECEIVE_MESSAGES_FROM_OTHERS') return wanted;
  return isWildcardFilter(topic) ? 'RECEIVE_MESSAGES_FROM_OTHERS' : 'RECEIVE_ALL_MESSAGES';
}

function isTooLong(behaviour: Behaviour, topic: string): boolean {
  return Buffer.byteLength(topic) > behaviour.maxTopicBytes;
}
