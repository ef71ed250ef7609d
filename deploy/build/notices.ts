import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../src/core/mod.js';

/** What is known of an npm package that ships inside an artifact. */
export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
  /** Of its archive in the registry, from the lockfile: hexadecimal. */
  readonly sha512: string;
}

/** Licences that allow shipping inside an Apache-2.0 product; another one stops the build. */
const ACCEPTED = /^(MIT|Apache-2\.0|ISC|0BSD|BSD-[23]-Clause|\(?MIT OR .*\)?|Unlicense|BlueOak-1\.0\.0)$/;

export function shippedPackages(names: readonly string[], root: string): readonly ShippedPackage[] {
  const lock = readLockfile(root);
  return names.map((name) => {
    const folder = join(root, 'node_modules', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version: string;
      license?: string;
    };
    const licence = manifest.license ?? 'UNKNOWN';
    if (!ACCEPTED.test(licence)) {
      throw new EdgeError(
        'BUILD_REFUSED',
        `Cannot ship ${name} as its licence is not one of the accepted ones: current value is ${licence}`,
      );
    }
    return {
      name,
      version: manifest.version,
      licence,
      text: licenceText(folder),
      sha512: sha512Of(lock.packages[`node_modules/${name}`]?.integrity),
    };
  });
}

/** What a lockfile says of an installed package. */
export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  /** For development only. */
  readonly dev?: boolean;
}

export function readLockfile(root: string): { readonly packages: Readonly<Record<string, LockedPackage>> } {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as ReturnType<typeof readLockfile>;
}

/** npm writes base64, CycloneDX hexadecimal. @returns `''` for none */
export function sha512Of(integrity: string | undefined): string {
  const [, base64 = ''] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? [];
  return Buffer.from(base64, 'base64').toString('hex');
}

function licenceText(folder: string): string {
  const files = readdirSync(folder).filter((file) =>
    /^(licen[cs]e|copying|notice|thirdpartynotices)/i.test(file),
  );
  return files
    .sort((a, b) => (a < b ? -1 : 1))
    .filter((file) => existsSync(join(folder, file)))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    .join('\n\n');
}

/** All licence texts in one file, by package. */
export function licencesFile(packages: readonly ShippedPackage[]): string {
  const parts = packages.map(
    ({ name, version, licence, text }) =>
      `${name} ${version} (${licence})\n${'-'.repeat(70)}\n${text || `See ${licence}`}\n`,
  );
  return `Third-party software in this artifact\n\n${parts.join('\n')}`;
}
