import { answerParent } from './child.js';
import { connectOfficial, connectOwn } from './echo-clients.js';
import { paced, type Pace } from './paced.js';

/**
 * The floor of every request over IPC: a client alone, none of what an agent does. `echo.js responder WHOSE ASK ANSWER`
 * sends back what it gets; `echo.js caller WHOSE ASK ANSWER` measures round trips. WHOSE client: `official` or `own`.
 */
export interface EchoQuestion extends Pace {
  readonly bytes: number;
}

const [role, whose, askTopic = '', answerTopic = ''] = process.argv.slice(2);
const client = whose === 'own' ? await connectOwn() : await connectOfficial();

if (role === 'responder') {
  await client.subscribe(askTopic, (payload) => void client.publish(answerTopic, payload));
  answerParent(() => Promise.resolve(0));
} else {
  let arrived: (() => void) | undefined;
  await client.subscribe(answerTopic, () => arrived?.());
  answerParent(({ bytes, ...pace }: EchoQuestion) => {
    const payload = new Uint8Array(bytes).fill(0x61);
    return paced(pace, async () => {
      const echoed = new Promise<void>((resolve) => (arrived = resolve));
      await client.publish(askTopic, payload);
      await echoed;
    });
  });
}
