import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { filesBelow, sizeOf } from '../files/mod.js';
import { Printer } from '../print/mod.js';
import { assemble } from './assemble.js';
import { release, releaseAgain } from './release.js';

const HELP = `npm run release -- VERSION    commit, tag and dist/release/VERSION
npm run release -- --again    the artifacts of the tag that is checked out, once more`;

/** `npm run release -- VERSION|--again`; `--assemble FOLDER` is the first one's own call in its clone. */
export async function runRelease(root: string, args: readonly string[]): Promise<void> {
  const print = new Printer({ out: process.stdout, error: process.stderr });
  try {
    const [first, second] = args;
    if (first === '--assemble' && second !== undefined) return await assemble(root, second);
    const isAgain = first === '--again';
    const out = isAgain ? await releaseAgain(root, assemble) : await release(root, wanted(first));
    for (const name of (await filesBelow(out)).toSorted()) {
      const megabytes = ((await sizeOf(join(out, name))) / 1e6).toFixed(2);
      print.line(`${megabytes.padStart(7)} MB  ${name}`);
    }
    print.line(`Made ${out}`);
  } catch (thrown) {
    print.failure(thrown);
    process.exitCode = 1;
  }
}

function wanted(version: string | undefined): string {
  if (version !== undefined) return version;
  throw new EdgeError('OPTION_INVALID', 'Cannot release as no version is given', { nextStep: HELP });
}
