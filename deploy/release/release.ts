import { EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { makeFolder, move, readText, removeAll, writeBytes } from '../files/mod.js';
import { closed } from './changelog.js';
import { checkStanding, checkTagged, tagOf } from './checks.js';
import { git, run } from './programs.js';

/** What a release consists of, made from the checkout in `root` into the folder `out`, which is there and empty. */
export type Assemble = (root: string, out: string) => Promise<void>;

/** What a release changes in the repository. */
const STAMPED = ['package.json', 'package-lock.json', 'CHANGELOG.md'];

/**
 * Makes a release: a commit with the version in package.json and the changelog closed, its tag, and
 * `dist/release/<version>` with all that is published.
 *
 * The artifacts are made first, in a clone below dist/ that has the version already; the repository changes only once
 * they are whole. So whatever fails leaves the repository as it was, and no folder of that version's name.
 * @param root a clean clone with node_modules
 * @returns the folder
 */
export async function release(
  root: string,
  version: string,
  assemble: Assemble = assembleClone,
): Promise<string> {
  const { current, head } = await checked(root, version);
  const place = placeOf(root, version);
  await removeAll(place.draft);
  try {
    await makeFolder(place.content);
    await git(root, 'clone', '--quiet', '--no-hardlinks', root, place.clone);
    await stamp(place.clone, current, version);
    // Links, so that paths within the clone are what they are in any other: bundles hold them.
    await run('cp', ['-Rl', join(root, 'node_modules'), join(place.clone, 'node_modules')], root);
    await assemble(place.clone, place.content);
    await checkUnmoved(root, head, version);
    await commit(root, current, version);
    await removeAll(place.out);
    await move(place.content, place.out);
  } finally {
    await removeAll(place.draft);
  }
  return place.out;
}

/**
 * Makes the artifacts of the release whose tag is checked out again, as CI does and whoever wants to compare their
 * checksums. @returns the folder
 */
export async function releaseAgain(root: string, assemble: Assemble): Promise<string> {
  const current = await versionOf(root);
  const [changes, tags] = await Promise.all([
    git(root, 'status', '--porcelain'),
    git(root, 'tag', '--points-at', 'HEAD'),
  ]);
  checkTagged({ current, changes, tags: tags.split('\n') });
  const { draft, content, out } = placeOf(root, current);
  await removeAll(draft);
  try {
    await makeFolder(content);
    await assemble(root, content);
    await removeAll(out);
    await move(content, out);
  } finally {
    await removeAll(draft);
  }
  return out;
}

/** As its own process: the clone's code, compiled there, says the new version. */
async function assembleClone(clone: string, out: string): Promise<void> {
  await run(process.execPath, ['scripts/release.mjs', '--assemble', out], clone);
}

async function checked(
  root: string,
  version: string,
): Promise<{ readonly current: string; readonly head: string }> {
  const [current, head, changelog, changes, tags] = await Promise.all([
    versionOf(root),
    git(root, 'rev-parse', 'HEAD'),
    readText(join(root, 'CHANGELOG.md')),
    git(root, 'status', '--porcelain'),
    git(root, 'tag', '--list'),
  ]);
  checkStanding({ version, current, changes, tags: tags.split('\n'), changelog });
  return { current, head };
}

/** A release takes minutes, in which somebody may work on: its commit holds nothing that its artifacts do not. */
async function checkUnmoved(root: string, head: string, version: string): Promise<void> {
  const [now, changes] = await Promise.all([
    git(root, 'rev-parse', 'HEAD'),
    git(root, 'status', '--porcelain', '--', ...STAMPED),
  ]);
  if (now === head && changes === '') return;
  throw new EdgeError(
    'BUILD_REFUSED',
    `Cannot release ${version} as the repository has changed while its artifacts were made`,
    { nextStep: 'Release again' },
  );
}

export async function versionOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readText(join(root, 'package.json'))) as { version: string };
  return version;
}

interface Place {
  readonly draft: string;
  readonly clone: string;
  readonly content: string;
  readonly out: string;
}

function placeOf(root: string, version: string): Place {
  const draft = join(root, 'dist', 'release', `draft-${version}`);
  return {
    draft,
    clone: join(draft, 'clone'),
    content: join(draft, 'content'),
    out: join(root, 'dist', 'release', version),
  };
}

async function stamp(folder: string, current: string, version: string): Promise<void> {
  const edit = async (name: string, change: (text: string) => string): Promise<void> => {
    const path = join(folder, name);
    await writeBytes(path, change(await readText(path)));
  };
  const [from, to] = [`"version": "${current}"`, `"version": "${version}"`];
  await edit('package.json', (text) => text.replace(from, to));
  // For the package itself it stands there twice, before any other package.
  await edit('package-lock.json', (text) => text.replace(from, to).replace(from, to));
  await edit('CHANGELOG.md', (text) => closed(text, version));
}

async function commit(root: string, current: string, version: string): Promise<void> {
  const before = await git(root, 'rev-parse', 'HEAD');
  try {
    await stamp(root, current, version);
    await git(root, 'commit', '--quiet', '--message', `Release ${version}`, '--', ...STAMPED);
    await git(root, 'tag', '--annotate', '--message', `Release ${version}`, tagOf(version));
  } catch (thrown) {
    // Other files may have been edited since: they stay as they are.
    await git(root, 'reset', '--quiet', '--soft', before);
    await git(root, 'checkout', '--quiet', before, '--', ...STAMPED);
    throw thrown;
  }
}
