import { EdgeError } from '../../src/core/mod.js';

const OPEN = 'Unreleased';

/** What has changed since the last release. @returns `''` where nothing has */
export function unreleased(changelog: string): string {
  return notesOf(changelog, OPEN);
}

/** The part under a heading, without the heading. @throws EdgeError where there is none of that name */
export function notesOf(changelog: string, name: string): string {
  const parts = changelog.split(/^## /m);
  const found = parts.slice(1).find((part) => headingOf(part) === name);
  if (found === undefined) {
    throw new EdgeError('FIELD_MISSING', `Cannot read CHANGELOG.md as it has no heading '## ${name}'`);
  }
  return found.slice(found.indexOf('\n') + 1).trim();
}

/** The changelog with its open part closed as `version`, under a new and empty one. */
export function closed(changelog: string, version: string): string {
  return changelog.replace(/^## Unreleased$/m, `## ${OPEN}\n\n## ${version}`);
}

function headingOf(part: string): string {
  return part.slice(0, part.indexOf('\n')).trim();
}
