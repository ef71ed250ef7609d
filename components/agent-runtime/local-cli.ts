import { runLocalCommand } from '../../src/client/local/mod.js';

// `<work>/bin/edge-manager --work <work> local list` and `... list` are the same to people.
const args = process.argv.slice(2);
const word = args.indexOf('local');
if (
  word >= 0 &&
  args.slice(0, word).every((part, index) => part.startsWith('-') || args[index - 1] === '--work')
) {
  args.splice(word, 1);
}
process.exitCode = await runLocalCommand(args, {
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
});
