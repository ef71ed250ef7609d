import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { EdgeError } from '../../../src/core/mod.js';
import { checkProxies, proxyFor } from '../../../src/net/mod.js';

const STORE = 'https://captures.s3.eu-west-1.amazonaws.com/';

describe('proxyFor', () => {
  it('goes by the protocol, then ALL_PROXY, and by the small spelling first', () => {
    const cases: readonly [url: string, environment: Record<string, string>, address: string | undefined][] =
      [
        [STORE, {}, undefined],
        [STORE, { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128'],
        [STORE, { https_proxy: 'http://p:3128' }, 'http://p:3128'],
        [STORE, { https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:1' }, 'http://small:1'],
        [STORE, { https_proxy: '', HTTPS_PROXY: 'http://large:1' }, 'http://large:1'],
        [STORE, { HTTP_PROXY: 'http://p:3128' }, undefined],
        ['http://store.example/', { HTTP_PROXY: 'http://p:3128' }, 'http://p:3128'],
        ['http://store.example/', { HTTPS_PROXY: 'http://p:3128' }, undefined],
        [STORE, { ALL_PROXY: 'socks5://p:1080' }, 'socks5://p:1080'],
        [STORE, { all_proxy: 'socks5h://p:1080', HTTPS_PROXY: 'https://q' }, 'https://q'],
        [STORE, { HTTPS_PROXY: 'p.example:3128' }, 'http://p.example:3128'],
        [STORE, { HTTPS_PROXY: 'http://[fd00::2]:3128' }, 'http://[fd00::2]:3128'],
      ];
    for (const [url, environment, address] of cases)
      assert.equal(proxyFor(url, environment)?.address, address, `${url} ${JSON.stringify(environment)}`);
  });

  it('reads NO_PROXY as curl does', () => {
    const cases: readonly [noProxy: string, url: string, exempt: boolean][] = [
      ['*', 'https://a.example', true],
      ['a.example', 'https://a.example', true],
      ['a.example', 'https://b.a.example', true],
      ['a.example', 'https://nota.example', false],
      ['.a.example', 'https://a.example', true],
      ['.a.example', 'https://b.a.example', true],
      ['*.a.example', 'https://b.a.example', true],
      ['*.a.example', 'https://nota.example', false],
      ['A.Example', 'https://a.eXample', true],
      ['a.example.', 'https://a.example', true],
      ['a.example', 'https://a.example./', true],
      ['x , a.example,', 'https://a.example', true],
      ['x a.example', 'https://a.example', true],
      ['a.example:443', 'https://a.example', true],
      ['a.example:443', 'https://a.example:8443', false],
      ['a.example:80', 'http://a.example', true],
      ['.a.example:8443', 'https://b.a.example:8443', true],
      ['198.51.100.7', 'https://198.51.100.7', true],
      ['100.7', 'https://198.51.100.7', false],
      ['fd00::7', 'https://[fd00::7]', true],
      ['[fd00::7]', 'https://[fd00::7]', true],
      ['[fd00::7]:443', 'https://[fd00::7]:444', false],
      ['10.0.0.0/8', 'https://10.200.1.2', true],
      ['10.0.0.0/8', 'https://11.0.0.1', false],
      ['192.168.4.0/22', 'https://192.168.7.255:8443', true],
      ['192.168.4.0/22', 'https://192.168.8.0', false],
      ['203.0.113.7/32', 'https://203.0.113.7', true],
      ['0.0.0.0/0', 'https://203.0.113.7', true],
      ['0.0.0.0/0', 'https://[fd00::7]', false],
      ['0.0.0.0/0', 'https://a.example', false],
      ['fd00::/8', 'https://[fd12:3456::7]', true],
      ['fd00::/8', 'https://[fe80::1]', false],
      ['2001:db8:0:1::/64', 'https://[2001:db8:0:1:a:b:c:d]', true],
      ['2001:db8:0:1::/64', 'https://[2001:db8:0:2::1]', false],
      ['10.0.0.0/33', 'https://10.0.0.0', false],
      ['10.0.0/8', 'https://10.0.0.1', false],
      ['', 'https://a.example', false],
      ['.', 'https://a.example', false],
    ];
    const proxies = { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1' };
    for (const [noProxy, url, exempt] of cases) {
      for (const name of ['NO_PROXY', 'no_proxy']) {
        const proxy = proxyFor(url, { ...proxies, [name]: noProxy });
        assert.equal(proxy === undefined, exempt, `${name}=${noProxy} ${url}`);
      }
    }
  });

  it('never asks a proxy for what lies on this machine', () => {
    const hosts = [
      'localhost',
      'LOCALHOST',
      'bucket.localhost',
      '127.0.0.1',
      '127.1.2.3',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '2130706433',
    ];
    for (const host of hosts)
      assert.equal(
        proxyFor(`http://${host}:8080/`, { ALL_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1' }),
        undefined,
        host,
      );
    assert.ok(proxyFor('http://127.example/', { ALL_PROXY: 'http://p:1' }));
  });

  it('keeps user and password out of the address', () => {
    const proxy = proxyFor(STORE, { HTTPS_PROXY: 'http://dev%40fleet:p%3Ass%2F@p:3128' });
    assert.equal(proxy?.address, 'http://p:3128');
    assert.deepEqual(proxy?.login, { user: 'dev@fleet', password: 'p:ss/' });
  });

  it('says in one sentence what is no proxy, and never tells the value', () => {
    const values = [
      'ftp://u:hunter2@p:1',
      'http://u:hunter2@',
      'http://u:hunter2%@p:1',
      'http://u:hunter2@p:port',
    ];
    for (const HTTPS_PROXY of values) {
      assert.throws(
        () => checkProxies({ HTTPS_PROXY }),
        (error: unknown) =>
          error instanceof EdgeError &&
          error.reason === 'ENVIRONMENT_UNFIT' &&
          /HTTPS_PROXY/.test(error.message) &&
          error.nextStep !== undefined &&
          !inspect(error).includes('hunter2'),
        HTTPS_PROXY,
      );
    }
    checkProxies({ HTTPS_PROXY: 'http://p:1', ALL_PROXY: 'socks5://u:p@p:1' });
  });
});
