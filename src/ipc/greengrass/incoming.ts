import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import type { IncomingMessage } from '../mod.js';

/** Undefined for a message of neither form, which a newer nucleus might send. */
export function toIncoming(
  message: greengrasscoreipc.model.SubscriptionResponseMessage,
  filter: string,
): IncomingMessage | undefined {
  const { binaryMessage, jsonMessage } = message;
  if (binaryMessage !== undefined) {
    return {
      topic: binaryMessage.context?.topic ?? filter,
      payload: toBytes(binaryMessage.message),
      form: 'binary',
    };
  }
  if (jsonMessage !== undefined) {
    return {
      topic: jsonMessage.context?.topic ?? filter,
      payload: Buffer.from(JSON.stringify(jsonMessage.message ?? {})),
      form: 'json',
    };
  }
  return undefined;
}

/** The client gives a blob as any of its payload types. */
function toBytes(payload: string | ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (payload === undefined) return new Uint8Array();
  if (typeof payload === 'string') return Buffer.from(payload, 'utf8');
  if (ArrayBuffer.isView(payload))
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  return new Uint8Array(payload);
}
