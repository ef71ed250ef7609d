import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/core/mod.js';
import { MemoryBroker } from '../../../src/ipc/mod.js';
import { tokenExchangePort } from '../../../src/upload/token-exchange-port.js';

describe('tokenExchangePort', () => {
  const cases: readonly (readonly [string, JsonObject, number | undefined])[] = [
    ['the text that lite writes', { port: '41234' }, 41234],
    [
      'the real port of the Java nucleus, where the wanted one is any',
      { port: 0, activePort: 41234.0 },
      41234,
    ],
    ['the real port where another is wanted', { port: '8080', activePort: '41234' }, 41234],
    ['nothing before the service has started', {}, undefined],
    ['nothing where no port can be meant', { port: 'http', activePort: -1 }, undefined],
    ['nothing where the answer has another form', { port: { number: 1 } }, undefined],
  ];
  for (const [what, configuration, port] of cases) {
    it(`reads ${what}`, async () => {
      const greengrass = new MemoryBroker().connect();
      greengrass.setConfigurationOf('aws.greengrass.TokenExchangeService', configuration);
      assert.equal(await tokenExchangePort(greengrass), port);
    });
  }

  it('knows nothing before Greengrass is there, and where it refuses', async () => {
    assert.equal(await tokenExchangePort(undefined), undefined);
    const refuse = { getConfiguration: () => Promise.reject(new Error('no')) };
    assert.equal(await tokenExchangePort(refuse), undefined);
  });
});
