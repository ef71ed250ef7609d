import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '../../src/core/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { exchangeKeys } from './exchange-keys.js';

/** The token exchange of nucleus lite as a process: takes any port, tells it by its own configuration as text, and hands out keys of the given name. */
const [name = ''] = process.argv.slice(2);
const { accessKeyId, secretAccessKey, sessionToken } = exchangeKeys(name);
const server = createServer(({ headers }, response) => {
  if (headers.authorization?.length !== 16) {
    response.writeHead(400).end('SVCUID length must be exactly 16.');
    return;
  }
  const Expiration = new Date(systemClock.wallMs() + 3_600_000).toISOString();
  const keys = {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration,
  };
  response.end(JSON.stringify(keys));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const greengrass = await connectGreengrass({
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
});
await greengrass.updateConfiguration([], { port: String(port) });
console.log(`Listening on ${port}`);
