import semver from 'semver';
import { EdgeError } from '../core/mod.js';
import type { RecipeProfile } from './parse.js';

/**
 * Whether `version` meets a dependency's `requirement`. The Java nucleus takes npm ranges; nucleus lite takes
 * only `>=`, `>`, `<=`, `<`, `=` or nothing before a full version, several of them parted by one space.
 * @throws EdgeError INVALID_ARGUMENT for a requirement that this nucleus cannot read
 */
export function satisfies(version: string, requirement: string, profile: RecipeProfile): boolean {
  checkRequirement(requirement, profile);
  if (profile === 'nucleus') {
    return semver.satisfies(version, requirement, { includePrerelease: true });
  }
  return requirement.split(' ').every((part) => {
    const [, operator = '', wanted = ''] = LITE_PART.exec(part) ?? [];
    const order = semver.compare(version, wanted);
    switch (operator) {
      case '>=':
        return order >= 0;
      case '>':
        return order > 0;
      case '<=':
        return order <= 0;
      case '<':
        return order < 0;
      default:
        return order === 0;
    }
  });
}

const LITE_PART = /^(>=|>|<=|<|=)?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)$/;

export function checkRequirement(requirement: string, profile: RecipeProfile): void {
  const readable =
    profile === 'nucleus'
      ? semver.validRange(requirement) !== null
      : requirement.split(' ').every((part) => LITE_PART.test(part));
  if (readable) return;
  throw new EdgeError(
    'VERSION_INVALID',
    `Cannot read the version requirement "${requirement}" on ${profile === 'lite' ? 'nucleus lite' : 'the nucleus'}`,
    profile === 'lite' ? { nextStep: 'Write the range out, such as ">=1.0.0 <2.0.0"' } : {},
  );
}

/** The versions that meet all requirements, highest first. */
export function matching(
  versions: readonly string[],
  requirements: readonly string[],
  profile: RecipeProfile,
): string[] {
  return versions
    .filter((version) => requirements.every((requirement) => satisfies(version, requirement, profile)))
    .sort((a, b) => semver.rcompare(a, b));
}
