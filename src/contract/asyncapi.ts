import type { TSchema } from '@sinclair/typebox';
import { AgentReturned, ErrorBody, MAX_MESSAGE_BYTES, ReplyEnvelope, RequestEnvelope } from './envelope.js';
import { CaptureEvent, ModelEvent, SpoolClosed, SpoolResult } from './events.js';
import { operations, type OperationName } from './operations.js';
import { topics, TOPIC_PREFIX } from './topics.js';

const events = {
  modelEvents: { schema: ModelEvent, summary: 'State changes of models', action: 'send' },
  captureEvents: { schema: CaptureEvent, summary: 'State changes of captures', action: 'send' },
  spoolClosed: {
    schema: SpoolClosed,
    summary: 'Agent to uploader: a segment may be uploaded',
    action: 'send',
  },
  spoolResult: {
    schema: SpoolResult,
    summary: 'Uploader to agent: a receipt was written',
    action: 'receive',
  },
} as const;

/**
 * The wire as an AsyncAPI 3.0 document, seen from the agent. Made from the same constants that the agent and
 * the client use; docs/protocol/asyncapi.json is its committed copy.
 */
export function asyncApiDocument(): object {
  const names = Object.keys(operations) as OperationName[];
  const eventNames = Object.keys(events) as (keyof typeof events)[];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Edge Manager on AWS IoT Greengrass IPC',
      version: '1.0.0',
      description: `JSON text in a Greengrass binaryMessage (a jsonMessage is answered in kind), at most ${MAX_MESSAGE_BYTES} bytes. Replies come to the request's replyTo.`,
      license: { name: 'Apache-2.0' },
    },
    channels: {
      ...Object.fromEntries(names.map((name) => [name, requestChannel(name)])),
      reply: {
        address: `${TOPIC_PREFIX}/reply/{component}/{nonce}`,
        parameters: {
          component: { description: "The caller's component name" },
          nonce: { description: '128 random bits in lower-case hex' },
        },
        messages: {
          reply: { $ref: '#/components/messages/reply' },
          agentReturned: { $ref: '#/components/messages/agentReturned' },
        },
      },
      ...Object.fromEntries(
        eventNames.map((name) => [
          name,
          { address: topics[name], messages: { [name]: { $ref: `#/components/messages/${name}` } } },
        ]),
      ),
    },
    operations: {
      ...Object.fromEntries(names.map((name) => [name, requestOperation(name)])),
      ...Object.fromEntries(
        eventNames.map((name) => [
          name,
          {
            action: events[name].action,
            channel: { $ref: `#/channels/${name}` },
            summary: events[name].summary,
          },
        ]),
      ),
      agentReturned: {
        action: 'send',
        channel: { $ref: '#/channels/reply' },
        messages: [{ $ref: '#/channels/reply/messages/agentReturned' }],
        summary: 'To callers that the agent knows, at its start and whenever its connection is back',
      },
    },
    components: {
      messages: {
        ...Object.fromEntries(names.map((name) => [name, { payload: requestSchema(name) }])),
        ...Object.fromEntries(eventNames.map((name) => [name, { payload: plain(events[name].schema) }])),
        reply: { payload: plain(ReplyEnvelope) },
        agentReturned: {
          summary:
            'The agent is back, and answers no request by this: what has no answer yet is best sent again, with its id',
          payload: plain(AgentReturned),
        },
      },
      schemas: {
        error: plain(ErrorBody),
        ...Object.fromEntries(names.map((name) => [`${name}Reply`, plain(operations[name].reply)])),
      },
    },
  };
}

function requestChannel(name: OperationName): object {
  const address = operations[name].topic.replace('+', '{model}');
  return {
    address,
    ...(address.includes('{model}') ? { parameters: { model: { description: "The model's name" } } } : {}),
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
  };
}

function requestOperation(name: OperationName): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/${name}` },
    summary: operations[name].summary,
    description: `The reply's body: #/components/schemas/${name}Reply`,
    reply: { channel: { $ref: '#/channels/reply' } },
  };
}

/** The envelope with this operation's name and body. */
function requestSchema(name: OperationName): object {
  const envelope = plain(RequestEnvelope) as { properties: Record<string, unknown> };
  return {
    ...envelope,
    properties: { ...envelope.properties, op: { const: name }, body: plain(operations[name].request) },
  };
}

/** A schema without the symbols of its maker. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema)) as object;
}
