import { messageOf, silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { registerPackage, verdictSentence } from '../../src/runtime/register/mod.js';

const [folder] = process.argv.slice(2);
let code = 1;
if (folder === undefined) {
  console.error('Cannot register a model as its folder is missing: register FOLDER');
} else {
  try {
    const verdict = await registerPackage({
      folder,
      clock: systemClock,
      random: systemRandom,
      logger: { ...silentLogger, info: (message) => console.log(message) },
    });
    console.log(verdictSentence(verdict));
    code = 0;
  } catch (thrown) {
    console.error(`REFUSED: ${messageOf(thrown)}`);
  }
}
process.exit(code);
