import { readFile } from 'node:fs/promises';
import type { Bundle } from './bundle.js';
import type { CodeComponent } from './components.js';
import { nativeFiles } from './native.js';
import { billOfMaterials, licencesFile, shippedPackages } from './notices.js';
import type { Platform } from './platforms.js';
import type { ArtifactFile } from './zip.js';

/**
 * Everything of one component for one platform, as plain files without subfolders: JavaScript, native files,
 * licences, bill of materials. Nothing is installed or downloaded on the device.
 */
export async function artifactFiles(
  component: CodeComponent,
  { files, packages }: Bundle,
  platform: Platform,
  root: string,
): Promise<ArtifactFile[]> {
  const shipped = shippedPackages(packages, root);
  const text = (name: string, content: string): ArtifactFile => ({ name, bytes: Buffer.from(content) });
  const native = await Promise.all(
    nativeFiles(component.native, platform).map(async ({ from, name }) => ({
      name,
      bytes: await readFile(from),
    })),
  );
  return [
    ...files,
    ...native,
    text('package.json', '{ "type": "module" }\n'),
    text('sbom.cdx.json', billOfMaterials(component.name, shipped)),
    text('THIRD-PARTY-LICENCES.txt', licencesFile(shipped)),
    { name: 'LICENSE', bytes: await readFile(`${root}/LICENSE`) },
  ];
}
