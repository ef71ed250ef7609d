import { connect } from '../../../src/client/mod.js';
import { silentLogger } from '../../../src/core/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';

/**
 * What a component does with its connection, in a process that a native abort may end.
 *
 * connecting-process.js connects ADAPTER TIMES: connects so often, eight at a time, and prints how many were made.
 * connecting-process.js publishes: keeps publishes of 300 bytes under way, and prints each change of the connection.
 */
const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
const [, , work, ...args] = process.argv;

if (work === 'connects') {
  const [adapter, times] = [args[0], Number(args[1])];
  let [begun, made] = [0, 0];
  const one = async (): Promise<void> => {
    try {
      const connection =
        adapter === 'client'
          ? await connect({ component: 'com.example.App' })
          : await connectGreengrass({ ...common, component: 'com.example.App' });
      made++;
      await connection.close();
    } catch {
      // The server closed it: that is what it is for.
    }
  };
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (begun++ < times) await one();
    }),
  );
  console.log(JSON.stringify({ made }));
  process.exit(0);
}

if (work === 'publishes') {
  const port = await connectGreengrass(common);
  await port.subscribe('topic', () => undefined);
  port.onConnection((state) => console.log(state));
  console.log('regained');
  const payload = Buffer.alloc(300, 7);
  for (;;) {
    await Promise.allSettled(Array.from({ length: 40 }, () => port.publish('topic', payload)));
    await systemClock.sleep(1);
  }
}
