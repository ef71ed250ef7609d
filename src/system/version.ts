import { createRequire } from 'node:module';

/** Written into a bundle by its build, which stands beside no package.json of ours. */
declare const EDGE_VERSION: string | undefined;

/**
 * The one version of everything that is released together: agent, uploader, recipes, command line and client. It
 * stands in package.json only.
 * @example `'1.0.0'`
 */
export const VERSION: string = typeof EDGE_VERSION === 'undefined' ? ofThisPackage() : EDGE_VERSION;

/** From dist/src/system, in a clone as in the packed command line. */
function ofThisPackage(): string {
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
  return version;
}
