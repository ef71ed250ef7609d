import { strict as assert } from 'node:assert';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ManualClock, silentLogger } from '../../../src/core/mod.js';
import { Exchange } from '../../../src/runtime/agent/exchange.js';
import { systemRandom } from '../../../src/system/mod.js';

const MINUTE_MS = 60_000;
const TAKEN = { code: 'RESOURCE_EXHAUSTED', reason: 'EXCHANGE_FOLDERS_TAKEN', retryAfterMs: MINUTE_MS };

describe('exchange folders', () => {
  let parent = '';
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'edge-exchange-'));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  async function opened(places: readonly string[] = [join(parent, 'root')]) {
    const clock = new ManualClock();
    const roots = [...places];
    const exchange = new Exchange({
      roots: () => roots,
      uid: process.getuid?.(),
      clock,
      random: systemRandom,
      logger: silentLogger,
    });
    await exchange.open();
    return { exchange, clock, roots, hello: (id: string, app: string) => exchange.hello(id, app, undefined) };
  }

  const countOf = (settled: readonly PromiseSettledResult<string>[]): number =>
    settled.filter(({ status }) => status === 'fulfilled').length;

  it('are at most 32 of one component where 200 clients say hello at the same time', async () => {
    const { hello } = await opened();
    const all = await Promise.allSettled(Array.from({ length: 200 }, (_, id) => hello(`c${id}`, 'app')));
    assert.equal(countOf(all), 32);
    assert.equal(readdirSync(join(parent, 'root')).length, 32);
    await assert.rejects(hello('c200', 'app'), TAKEN);
  });

  it('are at most 256 over all components, whatever these call themselves', async () => {
    const { hello } = await opened();
    const all = await Promise.allSettled(
      Array.from({ length: 4000 }, (_, id) => hello(`c${id}`, `app${id}`)),
    );
    assert.equal(countOf(all), 256);
    assert.equal(readdirSync(join(parent, 'root')).length, 256);
  });

  it('are given again a minute after a flood of made-up names', async () => {
    const { hello, clock } = await opened();
    for (let id = 0; id < 256; id++) await hello(`c${id}`, `app${id}`);
    await assert.rejects(hello('mine', 'app'), TAKEN);
    await clock.advance(MINUTE_MS);
    assert.ok(existsSync(await hello('mine', 'app')));
  });

  it('are not taken from a client in whose name others say hello', async () => {
    const { hello } = await opened();
    const mine = await hello('mine', 'app');
    writeFileSync(join(mine, 'frame'), 'frame');
    for (let id = 0; id < 40; id++) await hello(`other${id}`, 'app').catch(() => undefined);
    assert.ok(existsSync(join(mine, 'frame')));
    assert.equal(await hello('mine', 'app'), mine);
  });

  it('are of one component, whoever names the id of its client', async () => {
    const { exchange, hello } = await opened();
    const mine = await hello('mine', 'app');
    assert.equal(exchange.folderOf('mine', 'stranger'), undefined);
    const others = await hello('mine', 'stranger');
    assert.notEqual(others, mine);
    assert.deepEqual(
      [exchange.folderOf('mine', 'app'), exchange.folderOf('mine', 'stranger')],
      [mine, others],
    );
    await exchange.bye('mine');
    assert.deepEqual([existsSync(mine), existsSync(others)], [false, false]);
  });

  it('that hold something stay where the bound over all is reached', async () => {
    const { hello, clock } = await opened();
    const mine = await hello('mine', 'app');
    writeFileSync(join(mine, 'frame'), 'frame');
    for (let id = 0; id < 255; id++) await hello(`c${id}`, `app${id}`);
    await clock.advance(MINUTE_MS);
    await hello('one more', 'another');
    assert.ok(existsSync(join(mine, 'frame')));
  });

  it('go a minute after another start of the component, and the next hello gives another one', async () => {
    const { exchange, hello, clock } = await opened();
    const idle = await hello('idle', 'app');
    const other = await hello('other', 'app');
    await clock.advance(MINUTE_MS + 2000);
    await exchange.sweep();
    assert.deepEqual([existsSync(idle), existsSync(other)], [false, true]);
    assert.equal(exchange.folderOf('idle', 'app'), undefined, 'so that its requests are told to say hello');
    assert.ok(existsSync(await hello('idle', 'app')));
    assert.ok(existsSync(other));
  });

  it('are the same where one client says hello many times at once', async () => {
    const { hello } = await opened();
    const all = await Promise.all(Array.from({ length: 20 }, () => hello('mine', 'app')));
    assert.equal(new Set(all).size, 1);
    assert.ok(existsSync(all[0] ?? ''));
  });

  it('are there again with the next hello where somebody has cleaned up', async () => {
    const { hello } = await opened();
    rmSync(join(parent, 'root'), { recursive: true });
    const mine = await hello('mine', 'app').catch(() => hello('mine', 'app'));
    rmSync(mine, { recursive: true });
    assert.equal(await hello('mine', 'app'), mine);
    assert.ok(existsSync(mine));
  });

  it('lie in the next place where the wanted one is absent, a file, or another’s', async () => {
    writeFileSync(join(parent, 'file'), '');
    const places = ['absent/root', 'file/root', 'file'].map((name) => join(parent, name));
    for (const place of places) {
      const { exchange, hello } = await opened([place, join(parent, 'work')]);
      assert.equal(dirname(await hello('mine', 'app')), join(parent, 'work'), basename(place));
      await exchange.close();
    }
    assert.equal(existsSync(join(parent, 'absent')), false);
  });

  it('lie in the next place where the wanted one may not be written', async function () {
    if (process.getuid?.() === 0) return this.skip();
    mkdirSync(join(parent, 'denied'));
    chmodSync(join(parent, 'denied'), 0o500);
    const { hello } = await opened([join(parent, 'denied', 'root'), join(parent, 'work')]);
    assert.equal(dirname(await hello('mine', 'app')), join(parent, 'work'));
  });

  it('move for new hellos when another place is configured, and are all gone at the end', async () => {
    const { exchange, hello, roots } = await opened();
    const before = await hello('one', 'app');
    roots.unshift(join(parent, 'other'));
    await exchange.configured();
    assert.ok(existsSync(before), 'what is under way stays');
    assert.equal(dirname(await hello('two', 'app')), join(parent, 'other'));
    assert.equal(dirname(await hello('one', 'app')), join(parent, 'other'));
    await exchange.close();
    assert.deepEqual(readdirSync(parent), []);
  });

  it('of a former start go in every place, and nothing beside them', async () => {
    mkdirSync(join(parent, 'root', 'former'), { recursive: true });
    mkdirSync(join(parent, 'work', 'former'), { recursive: true });
    writeFileSync(join(parent, 'stranger'), '');
    await opened([join(parent, 'root'), join(parent, 'work')]);
    assert.deepEqual(readdirSync(join(parent, 'root')), []);
    assert.deepEqual(readdirSync(join(parent, 'work')), []);
    assert.ok(existsSync(join(parent, 'stranger')));
  });

  it('that cannot be had anywhere are one sentence', async () => {
    await assert.rejects(opened([join(parent, 'absent', 'root')]), {
      code: 'FAILED_PRECONDITION',
      field: 'exchangeFolder',
    });
  });
});
