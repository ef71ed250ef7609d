import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { answerParent } from './child.js';
import { paced, type Pace } from './paced.js';

/**
 * The floor of every request over IPC: the official client alone, nothing of ours. `echo.js responder ASK ANSWER`
 * sends back what it gets; `echo.js caller ASK ANSWER` measures round trips.
 */
export interface EchoQuestion extends Pace {
  readonly bytes: number;
}

const [role, askTopic = '', answerTopic = ''] = process.argv.slice(2);
const client = greengrasscoreipc.createClient();
await client.connect();

const publish = (topic: string, message: Uint8Array): Promise<unknown> =>
  client.publishToTopic({ topic, publishMessage: { binaryMessage: { message } } });

async function subscribe(topic: string, listener: (payload: Uint8Array) => void): Promise<void> {
  const operation = client.subscribeToTopic({ topic });
  operation.on('message', (message) => listener(Buffer.from(message.binaryMessage?.message as ArrayBuffer)));
  await operation.activate();
}

if (role === 'responder') {
  await subscribe(askTopic, (payload) => void publish(answerTopic, payload));
  answerParent(() => Promise.resolve(0));
} else {
  let arrived: (() => void) | undefined;
  await subscribe(answerTopic, () => arrived?.());
  answerParent(({ bytes, ...pace }: EchoQuestion) => {
    const payload = new Uint8Array(bytes).fill(0x61);
    return paced(pace, async () => {
      const echoed = new Promise<void>((resolve) => (arrived = resolve));
      await publish(askTopic, payload);
      await echoed;
    });
  });
}
