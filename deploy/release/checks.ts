import semver from 'semver';
import { EdgeError } from '../../src/core/mod.js';
import { unreleased } from './changelog.js';

/** What a release starts from. */
interface Standing {
  /** The version wanted. */
  readonly version: string;
  /** That of package.json. */
  readonly current: string;
  /** What differs from the last commit, one file a line. */
  readonly changes: string;
  readonly tags: readonly string[];
  readonly changelog: string;
}

export function tagOf(version: string): string {
  return `v${version}`;
}

/** @throws EdgeError saying why that version cannot be released from here, and what to do */
export function checkStanding({ version, current, changes, tags, changelog }: Standing): void {
  checkVersion(version, current);
  if (changes !== '') {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot release ${version} as files differ from the last commit: ${listed(changes)}`,
      { nextStep: 'Commit them, or put them away with git stash -u' },
    );
  }
  if (tags.includes(tagOf(version))) {
    throw new EdgeError('VERSION_PUBLISHED', `Cannot release ${version} as the tag v${version} exists`, {
      nextStep: 'Raise the version: what is released never changes',
    });
  }
  if (unreleased(changelog) === '') {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot release ${version} as CHANGELOG.md has nothing under Unreleased: there is nothing to tell`,
    );
  }
}

/** The version that the tag at hand stands for. @throws EdgeError where the last commit is no release */
export function checkTagged({
  current,
  changes,
  tags,
}: Pick<Standing, 'current' | 'changes' | 'tags'>): void {
  if (!tags.includes(tagOf(current))) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot build the release ${current} again as its tag v${current} is not at the last commit`,
      { nextStep: `Check it out: git checkout v${current}` },
    );
  }
  if (changes === '') return;
  throw new EdgeError(
    'BUILD_REFUSED',
    `Cannot build the release ${current} again as files differ from its commit: ${listed(changes)}`,
  );
}

function checkVersion(version: string, current: string): void {
  if (semver.valid(version) !== version) {
    throw new EdgeError(
      'VERSION_INVALID',
      `Cannot release as the version must be a semantic one without build metadata: current value is ${version}`,
      { nextStep: 'Write it as 1.2.3 or 1.2.3-rc.1' },
    );
  }
  if (!semver.gt(version, current)) {
    throw new EdgeError(
      'VERSION_INVALID',
      `Cannot release ${version} as it must be greater than that of package.json: current value is ${current}`,
    );
  }
}

function listed(changes: string): string {
  const files = changes.split('\n').map((line) => line.slice(3));
  return files.length <= 3
    ? files.join(', ')
    : `${files.slice(0, 3).join(', ')} and ${files.length - 3} more`;
}
