import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../src/core/mod.js';
import { EdgeError } from '../../src/core/mod.js';

/** What is known of an npm package that ships inside an artifact. */
interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
}

/** Licences that allow shipping inside an Apache-2.0 product; another one stops the build. */
const ACCEPTED = /^(MIT|Apache-2\.0|ISC|0BSD|BSD-[23]-Clause|\(?MIT OR .*\)?|Unlicense|BlueOak-1\.0\.0)$/;

export function shippedPackages(names: readonly string[], root: string): readonly ShippedPackage[] {
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
    return { name, version: manifest.version, licence, text: licenceText(folder) };
  });
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

/** A CycloneDX 1.6 bill of materials; no timestamp or random serial, so that equal builds give equal bytes. */
export function billOfMaterials(component: string, packages: readonly ShippedPackage[]): string {
  return `${canonicalJson(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component: { type: 'application', name: component, 'bom-ref': component } },
      components: packages.map(({ name, version, licence }) => ({
        type: 'library',
        'bom-ref': purl(name, version),
        name,
        version,
        purl: purl(name, version),
        licenses: [licence.includes(' ') ? { expression: licence } : { license: { id: licence } }],
      })),
      dependencies: [{ ref: component, dependsOn: packages.map(({ name, version }) => purl(name, version)) }],
    },
    2,
  )}\n`;
}

function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
