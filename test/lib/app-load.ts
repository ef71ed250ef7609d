import { AGENT_RETURNED_ID, CaptureEvent, predictTopic, replyTopic, topics } from '../../src/contract/mod.js';
import type { CaptureRecord } from '../../src/capture/mod.js';
import { toInlineTensor } from '../../src/tensor/mod.js';
import { toEdgeError, validate, type Random } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { decodeMessage, decodeReply, encodeMessage, type Transport } from '../../src/ipc/mod.js';
import { testRecord } from './spool-fixture.js';
import { floats } from './tensors.js';
import { MODEL } from './fault-device.js';

const APP = 'com.example.App';
/** A fifth of the submitted records have tensors beyond the embed limit of the test's device (64 bytes). */
const LARGE_FLOATS = 100;

/**
 * An app that never waits: predictions with a capture each, and records of its own, one of both every few
 * milliseconds whether the agent is there or not. It keeps the books of what was issued and acknowledged.
 */
export class AppLoad {
  /** Acknowledged as durable: by the reply to a submitted record, or by an event. */
  readonly acked = new Set<string>();
  /** Submissions that were answered with an error. */
  refused = 0;
  /** Requests that could not go out. */
  unsent = 0;
  /** Predictions: sent, answered, and of these with an error. */
  predictions = 0;
  answered = 0;
  failed = 0;
  readonly #transport: Transport;
  readonly #replyTo: string;
  #issued = 0;
  #running: Promise<void> | undefined;
  #over = false;

  private constructor(transport: Transport, random: Random) {
    this.#transport = transport;
    this.#replyTo = replyTopic(APP, random.hex(16));
  }

  static async open(transport: Transport, random: Random): Promise<AppLoad> {
    const load = new AppLoad(transport, random);
    await transport.subscribe(load.#replyTo, ({ payload }) => load.#onReply(payload));
    await transport.subscribe(topics.captureEvents, (message) => {
      const event = validate(
        CaptureEvent,
        decodeMessage(message.payload, 'Cannot read the event'),
        'Cannot read the event',
      );
      if (event.state === 'SPOOLED') for (const id of event.captureIds) load.acked.add(id);
    });
    return load;
  }

  /** How many of each kind are acknowledged. */
  get ackedOf(): { readonly records: number; readonly predictions: number } {
    const predictions = [...this.acked].filter((id) => id.startsWith('p-')).length;
    return { records: this.acked.size - predictions, predictions };
  }

  start(periodMs = 5): void {
    this.#running = (async () => {
      while (!this.#over) {
        await Promise.all([this.predict(), this.submit()]);
        await systemClock.sleep(periodMs);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async predict(): Promise<void> {
    const number = this.#issued++;
    this.predictions += 1;
    const body = { inputs: [toInlineTensor(inputOf(number))], capture: 'always', captureId: `p-${number}` };
    await this.#send(`p-${number}`, predictTopic(MODEL), 'predict', body);
  }

  /** @returns the record's id */
  async submit(): Promise<string> {
    const captureId = `s-${this.#issued++}`;
    const { inputs, outputs } = issuedRecord(captureId) ?? testRecord(0);
    await this.#send(captureId, topics.captureSubmit, 'capture', {
      modelName: MODEL,
      captureId,
      inputTensors: inputs.map((tensor) => toInlineTensor(tensor)),
      outputTensors: outputs.map((tensor) => toInlineTensor(tensor)),
    });
    return captureId;
  }

  async #send(id: string, topic: string, op: string, body: object): Promise<void> {
    const request = { v: 1, id, replyTo: this.#replyTo, timeoutMs: 5000, op, body };
    try {
      await this.#transport.publish(topic, encodeMessage(request));
    } catch (thrown) {
      // The nucleus is away: nothing of it was acknowledged.
      if (toEdgeError(thrown).code !== 'UNAVAILABLE') throw thrown;
      this.unsent += 1;
    }
  }

  #onReply(payload: Uint8Array): void {
    const reply = decodeReply(payload);
    // This app has its own time for everything, and sends nothing twice.
    if (reply.id === AGENT_RETURNED_ID) return;
    const isPrediction = reply.id.startsWith('p-');
    if (isPrediction) this.answered += 1;
    if (reply.ok) {
      if (!isPrediction) this.acked.add(reply.id);
    } else if (isPrediction) this.failed += 1;
    else this.refused += 1;
  }
}

/** What a capture id stands for: contents follow from its number. */
export function issuedRecord(captureId: string): CaptureRecord | undefined {
  const [kind, digits] = captureId.split('-');
  const number = Number(digits);
  if ((kind !== 'p' && kind !== 's') || !Number.isInteger(number)) return undefined;
  const inputs =
    kind === 's' && number % 5 === 0
      ? [
          floats(
            'x',
            Array.from({ length: LARGE_FLOATS }, (_, at) => number + at),
          ),
        ]
      : [inputOf(number)];
  return testRecord(number, { captureId, inputs, outputs: [floats('y', [number])] });
}

function inputOf(number: number): ReturnType<typeof floats> {
  return floats('x', [number]);
}
