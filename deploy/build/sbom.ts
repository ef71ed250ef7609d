import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import { sha256Hex } from '../../src/system/mod.js';
import { NATIVE_CONTENT, stalePartsProblem, type NativePart } from './native-parts.js';
import type { ShippedPackage } from './notices.js';
import type { Platform } from './platforms.js';

/** What a bill of materials tells of a file. */
export interface ListedFile {
  readonly name: string;
  readonly sha256: string;
  /** Of a native file: the parts of that platform's are listed. */
  readonly platform?: Platform;
}

interface Bill {
  /** What all of it makes up, such as `org.edgemanager.AgentRuntime`. */
  readonly name: string;
  readonly version: string;
  /** npm packages whose code is inside. */
  readonly packages: readonly Omit<ShippedPackage, 'text'>[];
  readonly files: readonly ListedFile[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly [key: string]: unknown;
}

/**
 * A CycloneDX 1.6 bill of materials: npm packages with the SHA-512 of their archives, files with their SHA-256, and
 * within native files the libraries linked into them. No time and no random serial number stand in it, so that equal
 * builds give equal bytes.
 * @throws EdgeError where the list of native parts is of other versions than those installed
 */
export function billOfMaterials({ name, version, packages, files }: Bill): string {
  const problem = stalePartsProblem(new Map(packages.map((one) => [one.name, one.version])));
  if (problem !== undefined) {
    throw new EdgeError('BUILD_REFUSED', `Cannot write a bill of materials as ${problem}`, {
      nextStep: 'Look the parts up again as deploy/build/native-parts.ts says',
    });
  }
  const listed = [...packages.map(packageComponent), ...sorted(files).map(fileComponent)];
  return `${canonicalJson(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: {
        component: {
          type: 'application',
          'bom-ref': name,
          name,
          version,
          licenses: [{ license: { id: 'Apache-2.0' } }],
        },
      },
      components: listed,
      dependencies: [{ ref: name, dependsOn: listed.map((one) => one['bom-ref']) }],
    },
    2,
  )}\n`;
}

/** The files of one artifact, as they stand beside its bill. */
export function listedFiles(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  platform: Platform,
): ListedFile[] {
  return files.map(({ name, bytes }) => ({ name, sha256: sha256Hex(bytes), platform }));
}

function packageComponent({ name, version, licence, sha512 }: Omit<ShippedPackage, 'text'>): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(licence === '' ? {} : { licenses: licences(licence) }),
    ...(sha512 === '' ? {} : { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
  };
}

function fileComponent({ name, sha256, platform }: ListedFile): Component {
  const ref = platform === undefined ? `file:${name}` : `file:${platform.name}/${name}`;
  const parts = (NATIVE_CONTENT[name]?.parts ?? []).filter(
    ({ only }) => only === undefined || only === platform?.nodeArch,
  );
  return {
    type: 'file',
    'bom-ref': ref,
    name,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    ...(parts.length === 0 ? {} : { components: parts.map((part) => partComponent(part, ref)) }),
  };
}

function partComponent({ name, version, licence, purl }: NativePart, file: string): Component {
  return {
    type: 'library',
    'bom-ref': `${file}#${name}`,
    name,
    ...(version === undefined ? {} : { version }),
    purl: version === undefined ? purl : `${purl}@${version}`,
    licenses: licences(licence),
  };
}

/** One licence by its id, several as an expression. */
function licences(licence: string): readonly unknown[] {
  return [licence.includes(' ') ? { expression: licence } : { license: { id: licence } }];
}

function sorted(files: readonly ListedFile[]): ListedFile[] {
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
