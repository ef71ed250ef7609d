import { Type, type Static } from '@sinclair/typebox';
import { matches, type Json } from '../../core/mod.js';
import type { IncomingMessage } from '../mod.js';

const Context = Type.Optional(
  Type.Union([Type.Null(), Type.Object({ topic: Type.Optional(Type.Union([Type.Null(), Type.String()])) })]),
);
const Binary = Type.Object({
  binaryMessage: Type.Object({ message: Type.Optional(Type.String()), context: Context }),
});
const InJson = Type.Object({
  jsonMessage: Type.Object({ message: Type.Optional(Type.Unknown()), context: Context }),
});

/** Undefined for a message of neither form, which a newer nucleus might send. */
export function toIncoming(body: Json, filter: string): IncomingMessage | undefined {
  if (matches(Binary, body)) {
    const { message = '', context } = (body as Static<typeof Binary>).binaryMessage;
    return { topic: context?.topic ?? filter, payload: Buffer.from(message, 'base64'), form: 'binary' };
  }
  if (matches(InJson, body)) {
    const { message, context } = (body as Static<typeof InJson>).jsonMessage;
    const payload = Buffer.from(JSON.stringify(message ?? {}));
    return { topic: context?.topic ?? filter, payload, form: 'json' };
  }
  return undefined;
}
