import { EdgeError, messageOf } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { readBytes } from '../files/mod.js';
import type { Bundle } from './bundle.js';
import type { CodeComponent } from './components.js';
import { nativeFiles } from './native.js';
import { licencesFile, shippedPackages } from './notices.js';
import type { Platform } from './platforms.js';
import { billOfMaterials, listedFiles } from './sbom.js';
import type { ArtifactFile } from './zip.js';

/** What is inside, for whoever looks for weaknesses. */
export const BILL_FILE = 'sbom.cdx.json';

/**
 * Everything of one component for one platform, as plain files without subfolders: JavaScript, native files,
 * licences, bill of materials. Nothing is installed or downloaded on the device.
 */
export async function artifactFiles(
  component: CodeComponent,
  { files, packages }: Bundle,
  platform: Platform,
  root: string,
  nodeFolder?: string,
): Promise<ArtifactFile[]> {
  const shipped = shippedPackages(packages, root);
  const text = (name: string, content: string): ArtifactFile => ({ name, bytes: Buffer.from(content) });
  const native = await Promise.all(
    nativeFiles(component.native, platform).map(async ({ from, name }) => ({
      name,
      bytes: await readBytes(from),
    })),
  );
  const content = [
    ...files,
    ...native,
    text('package.json', '{ "type": "module" }\n'),
    text('THIRD-PARTY-LICENCES.txt', licencesFile(shipped)),
    { name: 'LICENSE', bytes: await readBytes(`${root}/LICENSE`) },
    ...(nodeFolder === undefined ? [] : [await nodeProgram(nodeFolder, platform)]),
  ];
  const bill = { name: component.name, version: VERSION, packages: shipped };
  return [...content, text(BILL_FILE, billOfMaterials({ ...bill, files: listedFiles(content, platform) }))];
}

/** `e_machine` in an ELF header. */
const ELF_MACHINES: Readonly<Record<Platform['nodeArch'], number>> = { x64: 0x3e, arm64: 0xb7 };

/** Node itself, for devices without it: `<folder>/<platform>/node`. */
async function nodeProgram(folder: string, platform: Platform): Promise<ArtifactFile> {
  const path = join(folder, platform.name, 'node');
  let bytes: Buffer;
  try {
    bytes = await readBytes(path);
  } catch (cause) {
    throw new EdgeError('FILE_NOT_FOUND', `Cannot put Node into the artifact: ${messageOf(cause)}`, {
      nextStep: `Place Node's program for ${platform.name} at ${path}`,
      cause,
    });
  }
  const isElf = bytes.length > 20 && bytes.readUInt32BE(0) === 0x7f454c46;
  if (!isElf || bytes.readUInt16LE(18) !== ELF_MACHINES[platform.nodeArch]) {
    throw new EdgeError(
      'BUILD_REFUSED',
      `Cannot put Node into the artifact as ${path} is no program for ${platform.name}`,
    );
  }
  return { name: 'node', bytes, isExecutable: true };
}
