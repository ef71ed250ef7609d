import { pathToFileURL } from 'node:url';
import { connect, EdgeError, type EdgeManagerClient } from '../../src/client/mod.js';
import { messageOf } from '../../src/core/mod.js';
import { floats, tensorOf } from './tensors.js';

/** How a request went: `ok`, or its reason, with the sentence and the next step. */
export interface Outcome {
  readonly request: Request;
  readonly reason: string;
  readonly sentence: string;
}

/** Of `Echo` (y = x) and `Wide` (y = `size` times 1): small both ways, large both ways, large outputs, a capture. */
export type Request = 'small' | 'large' | 'wide' | 'capture';

/** Above what a message holds, in floats. */
const MANY = 20_000;
const MAIN = process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href;

/** One request, checked for its answer where it succeeds. */
export async function tried(client: EdgeManagerClient, request: Request): Promise<Outcome> {
  try {
    await perform(client, request);
    return { request, reason: 'ok', sentence: '' };
  } catch (thrown) {
    const reason = thrown instanceof EdgeError ? thrown.reason : 'no EdgeError';
    const step = thrown instanceof EdgeError ? thrown.nextStep : undefined;
    return {
      request,
      reason,
      sentence: step === undefined ? messageOf(thrown) : `${messageOf(thrown)}. ${step}`,
    };
  }
}

async function perform(client: EdgeManagerClient, request: Request): Promise<void> {
  const many = floats(
    'x',
    Array.from({ length: MANY }, (_, index) => index % 1000),
  );
  switch (request) {
    case 'small':
      return same((await client.predict('Echo', [floats('x', [7])])).outputs[0]?.data, floats('x', [7]).data);
    case 'large':
      return same((await client.predict('Echo', [many])).outputs[0]?.data, many.data);
    case 'wide': {
      const size = tensorOf('size', 'INT64', [1], BigInt64Array.of(BigInt(MANY)));
      const ones = new Uint8Array(new Float32Array(MANY).fill(1).buffer);
      return same((await client.predict('Wide', [size])).outputs[0]?.data, ones);
    }
    case 'capture':
      await client.capture({ modelName: 'Echo', inputTensors: [many] });
  }
}

function same(got: Uint8Array | undefined, wanted: Uint8Array): void {
  if (got === undefined || Buffer.compare(got, wanted) !== 0) throw new Error('The answer is another');
}

/** As a program: an app with the environment of a component, one request after the other, a line for all. */
if (MAIN) {
  const [component = '', ...requests] = process.argv.slice(2);
  const connected = await connect({ component, defaultTimeoutMs: 20_000 });
  const outcomes: Outcome[] = [];
  for (const request of requests) outcomes.push(await tried(connected.client, request as Request));
  await connected.close();
  console.log(JSON.stringify(outcomes));
}
