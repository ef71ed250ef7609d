import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import * as room from '../../../src/component/configuration/mod.js';
import { runWorker } from '../../../src/component/worker/mod.js';
import { LOG_LEVELS, type LogLevel } from '../../../src/core/mod.js';
import { nodeFiles } from '../../../src/disk/mod.js';

const schema = Type.Object(
  {
    greeting: Type.String({ minLength: 1, default: 'nothing' }),
    logLevel: Type.Unsafe<LogLevel>(Type.String({ enum: [...LOG_LEVELS], default: 'info' })),
  },
  { additionalProperties: false },
);

await runWorker({
  name: 'Third',
  title: 'the third component',
  start: async (worker) => {
    const file = join(worker.workFolder, 'configuration.json');
    const parse = (raw: unknown) => room.parseComponentConfiguration({ schema, aliases: {} }, raw);
    const held = new room.HeldConfiguration({ ...worker, file, files: nodeFiles, initial: undefined, parse });
    held.onChange(({ greeting }) => worker.logger.info(`It says ${greeting}`));
    return {
      link: async (greengrass, onEnd) => onEnd(await room.followConfiguration(held, greengrass)),
      stop: async () => await held.close(),
    };
  },
});
