import { messageOf, silentLogger, visible } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { registerPackage, verdictSentence } from '../../src/runtime/register/mod.js';

/** @returns the exit code */
async function register(folder: string | undefined): Promise<number> {
  if (folder === undefined) {
    console.error('Cannot register a model as its folder is missing: register FOLDER');
    return 1;
  }
  try {
    const verdict = await registerPackage({
      folder,
      clock: systemClock,
      random: systemRandom,
      logger: { ...silentLogger, info: (message) => console.log(visible(message)) },
    });
    console.log(visible(verdictSentence(verdict)));
    return 0;
  } catch (thrown) {
    console.error(visible(`REFUSED: ${messageOf(thrown)}`));
    return 1;
  }
}

process.exit(await register(process.argv[2]));
