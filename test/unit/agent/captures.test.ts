import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, type JsonObject } from '../../../src/core/mod.js';
import { nodeDisk } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { testRecord } from '../../lib/spool-fixture.js';

const OPTIONS = { timeoutMs: 60_000 };
const MEBIBYTE = 1024 * 1024;
/** Three of them fit into the spool's quota. */
const LARGE_BYTES = 40 * MEBIBYTE;
const SUBMISSIONS = 3;

/** CPU time of this thread alone, which neither other processes nor the thread pool lengthen. */
function cpuUs(): number {
  const [onCpuNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(onCpuNs) / 1000;
}

/** What the longest turn of the event loop takes while `work` goes on. */
async function longestTurnUs(work: () => Promise<unknown>): Promise<number> {
  let longestUs = 0;
  let isOver = false;
  let lastUs = cpuUs();
  const turn = (): void => {
    const nowUs = cpuUs();
    longestUs = Math.max(longestUs, nowUs - lastUs);
    lastUs = nowUs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work();
  } finally {
    isOver = true;
    turn();
  }
  return longestUs;
}

/** What one pass over so many bytes takes where nothing else may run: half of it is less than any such pass. */
function onePassUs(bytes: Uint8Array): number {
  const before = cpuUs();
  createHash('sha256').update(bytes).digest();
  return cpuUs() - before;
}

describe('captures that apps submit', () => {
  const cases: readonly [string, JsonObject][] = [
    ['as it is', {}],
    ['hashed', { redaction: [{ action: 'hash', name: 'x' }], hashSalt: 'a secret of some length' }],
    ['cropped to most of it', { redaction: [{ action: 'crop', name: 'x', ranges: [[1, LARGE_BYTES]] }] }],
  ];
  for (const [how, capture] of cases) {
    it(`leave the event loop free while a large one is taken ${how}`, async () => {
      await using twins = await AgentTwins.create({ configuration: { capture }, disk: nodeDisk });
      await twins.register(await twins.package('1.0.0'));
      const { exchangeFolder } = await twins.requester.request('hello', {}, OPTIONS);
      const bytes = Buffer.alloc(LARGE_BYTES, 1);
      await writeFile(join(exchangeFolder, 'large.bin'), bytes);
      const file = { name: 'large.bin', offset: 0, byteSize: LARGE_BYTES };
      const input = { name: 'x', datatype: 'UINT8' as const, shape: [LARGE_BYTES], file };
      const turnsUs: number[] = [];
      const passesUs: number[] = [];
      for (let number = 0; number < SUBMISSIONS; number++) {
        const body = {
          modelName: 'Model',
          captureId: `c${number}`,
          inputTensors: [input],
          outputTensors: [],
        };
        passesUs.push(onePassUs(bytes));
        turnsUs.push(await longestTurnUs(() => twins.requester.request('capture', body, OPTIONS)));
        assert.equal(twins.dependencies.capture.status(`c${number}`).state, 'SPOOLED');
      }
      // The least of each: a turn may be long for other reasons, such as collected garbage.
      const [turnUs, passUs] = [Math.min(...turnsUs), Math.min(...passesUs)];
      assert.ok(
        turnUs < passUs / 2,
        `a turn took ${turnsUs.join(' ')} us, a pass over the bytes ${passUs} us`,
      );
    });
  }

  it('of a last answer are kept where its host takes its time to say what it sampled', async () => {
    const twins = await AgentTwins.create();
    const { hosts, dependencies } = twins;
    let fate = 'not heard of';
    // As on a busy machine; requests have left nearly all of the time that there is.
    Object.assign(hosts, {
      close: async () => {
        await systemClock.sleep(800);
        fate = await dependencies.capture.append(testRecord(1)).then(
          () => 'kept',
          (thrown: unknown) => messageOf(thrown),
        );
      },
    });
    await twins.stop(2500);
    assert.equal(fate, 'kept');
    await twins[Symbol.asyncDispose]();
  });
});
