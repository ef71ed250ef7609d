import assert from 'node:assert/strict';
import { predictTopic, replyTopic, type ReplyEnvelope } from '../../../src/contract/mod.js';
import { SeededRandom, type Random } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { decodeReply, encodeMessage, type Transport } from '../../../src/ipc/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';
import { isWithin } from '../../lib/patience.js';

const input = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };

/** Sends predictions by hand, so that every single reply is seen. */
class Caller {
  readonly replies = new Map<string, ReplyEnvelope[]>();
  readonly sent: string[] = [];
  readonly #replyTo: string;
  readonly #transport: Transport;
  readonly #model: string;

  constructor(transport: Transport, random: Random, model: string) {
    this.#transport = transport;
    this.#replyTo = replyTopic('com.example.App', random.hex(16));
    this.#model = model;
  }

  async open(): Promise<void> {
    await this.#transport.subscribe(this.#replyTo, ({ payload }) => {
      const reply = decodeReply(payload);
      this.replies.set(reply.id, [...(this.replies.get(reply.id) ?? []), reply]);
    });
  }

  async send(): Promise<void> {
    const id = `r${this.sent.length}`;
    this.sent.push(id);
    const request = {
      v: 1,
      id,
      replyTo: this.#replyTo,
      timeoutMs: 3000,
      op: 'predict',
      body: { inputs: [input] },
    };
    await this.#transport.publish(predictTopic(this.#model), encodeMessage(request));
  }

  count(ids: readonly string[], times: (replies: number) => boolean): number {
    return ids.filter((id) => times(this.replies.get(id)?.length ?? 0)).length;
  }

  get codes(): Record<string, number> {
    const codes: Record<string, number> = {};
    for (const [reply] of this.replies.values()) {
      const code = reply?.ok === false ? reply.error.code : 'OK';
      codes[code] = (codes[code] ?? 0) + 1;
    }
    return codes;
  }
}

describe('faults: the agent stops or is updated under load', () => {
  it('R20: each request has exactly one reply, whenever the stop comes', async () => {
    const rounds = longRun() ? 190 : 45;
    const random = new SeededRandom(20);
    const codes: Record<string, number> = {};
    let unanswered = 0;
    let doubled = 0;
    for (let round = 0; round < rounds; round++) {
      const twins = await AgentTwins.create({
        configuration: { queue: { concurrency: 2 } },
        script: () => ({
          run: async () => {
            await systemClock.sleep(1 + random.fraction() * 20);
            return {};
          },
        }),
      });
      await twins.register(await twins.package('1.0.0'));
      const caller = new Caller(twins.broker.connect(), systemRandom, 'Model');
      await caller.open();
      const requests = 5 + Math.floor(random.fraction() * 60);
      for (let index = 0; index < requests; index++) await caller.send();
      await systemClock.sleep(random.fraction() * 60);
      if (round % 2 === 0) twins.greengrass.announceUpdate({ kind: 'pre', deploymentId: `d${round}` });
      // Some rounds leave time for all that waits, some for hardly any.
      await twins.stop(round % 3 === 0 ? 1000 : random.fraction() * 30);
      await twins[Symbol.asyncDispose]();
      unanswered += caller.count(caller.sent, (replies) => replies === 0);
      doubled += caller.count(caller.sent, (replies) => replies > 1);
      for (const [code, count] of Object.entries(caller.codes)) codes[code] = (codes[code] ?? 0) + count;
    }
    const note = Object.entries(codes)
      .map(([code, count]) => `${code}=${count}`)
      .join(' ');
    reportFaultRow({ row: 'R20', cycles: rounds, lost: unanswered, duplicated: doubled, corrupt: 0, note });
    assert.deepEqual([unanswered, doubled], [0, 0], note);
    assert.ok((codes['OK'] ?? 0) > 0 && (codes['UNAVAILABLE'] ?? 0) > 0, note);
  });

  it('R20: the same for the real process and SIGTERM, which ends with 0 within 5 s', async () => {
    const rounds = longRun() ? 10 : 5;
    let unanswered = 0;
    let doubled = 0;
    let slowestMs = 0;
    await using bench = await AgentBench.create();
    const folder = await writeTestPackage(bench.root, identityPackage());
    for (let round = 0; round < rounds; round++) {
      bench.log = '';
      await bench.start();
      if (round === 0) assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
      const transport = await bench.connect('com.example.App');
      const caller = new Caller(transport, systemRandom, 'Identity');
      await caller.open();
      await caller.send();
      await until(() => caller.replies.size === 1, 'the first request is answered', 20_000);
      let over = false;
      const load = (async () => {
        while (!over) await Promise.all([caller.send(), caller.send(), caller.send()]);
      })();
      await systemClock.sleep(100 * round);
      const before = [...caller.sent];
      const begunMs = systemClock.monotonicMs();
      const code = await bench.stop();
      slowestMs = Math.max(slowestMs, systemClock.monotonicMs() - begunMs);
      over = true;
      await load;
      assert.equal(code, 0, bench.log);
      // Those that were sent before the signal arrived; what came later may have met nobody.
      const delivered = before.slice(0, -3);
      await until(
        () => caller.count(delivered, (replies) => replies === 0) === 0,
        'all are answered',
        2000,
      ).catch(() => undefined);
      unanswered += caller.count(delivered, (replies) => replies === 0);
      doubled += caller.count(caller.sent, (replies) => replies > 1);
    }
    const note = `SIGTERM slowestMs=${Math.round(slowestMs)}`;
    reportFaultRow({ row: 'R20', cycles: rounds, lost: unanswered, duplicated: doubled, corrupt: 0, note });
    assert.deepEqual([unanswered, doubled], [0, 0]);
    assert.ok(isWithin(slowestMs, 5000), note);
  });

  it('R20: what the nucleus has taken while the process stood still is answered, although SIGTERM comes before it is read', async () => {
    const requests = longRun() ? 6000 : 3000;
    await using bench = await AgentBench.create();
    const folder = await writeTestPackage(bench.root, identityPackage());
    await bench.start();
    assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
    const caller = new Caller(await bench.connect('com.example.App'), systemRandom, 'Identity');
    await caller.open();
    await caller.send();
    await until(() => caller.replies.size === 1, 'the first request is answered', 20_000);
    const control = await bench.controlPid();
    process.kill(control, 'SIGSTOP');
    while (caller.sent.length < requests) await Promise.all(Array.from({ length: 50 }, () => caller.send()));
    process.kill(control, 'SIGTERM');
    const stopped = bench.stop();
    process.kill(control, 'SIGCONT');
    assert.equal(await stopped, 0, bench.log);
    await until(() => caller.replies.size === caller.sent.length, 'all are answered', 2000).catch(
      () => undefined,
    );
    const lost = caller.count(caller.sent, (replies) => replies === 0);
    const duplicated = caller.count(caller.sent, (replies) => replies > 1);
    const note = Object.entries(caller.codes)
      .map(([code, count]) => `${code}=${count}`)
      .join(' ');
    reportFaultRow({ row: 'R20', cycles: 1, lost, duplicated, corrupt: 0, note });
    assert.deepEqual([lost, duplicated], [0, 0], note);
  });
});
