export { closed, notesOf, unreleased } from './changelog.js';
export { checkTagged } from './checks.js';
export { release, releaseAgain } from './release.js';
