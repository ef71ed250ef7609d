import { join, resolve } from '../../src/disk/mod.js';
import {
  billOfMaterials,
  BUNDLE_COMPONENT,
  buildProject,
  CODE_COMPONENTS,
  nativeFiles,
  PLATFORMS,
  readLockfile,
  sha512Of,
} from '../build/mod.js';
import { digestOf, filesBelow, makeFolder, namesIn, readText, removeAll, writeBytes } from '../files/mod.js';
import { notesOf } from './changelog.js';
import { run } from './programs.js';
import { versionOf } from './release.js';

/**
 * All that is published of a version, from the checkout that has it in package.json:
 *
 * - `components/<name>/greengrass-build`: recipes, and artifacts for amd64 and arm64, as `edge-manager publish` and gdk
 *   take them;
 * - `packages/*.tgz`: what npm publishes;
 * - `sbom/edge-manager.cdx.json`: all of it, and `sbom/<artifact>.cdx.json`: what is inside of one;
 * - `RELEASE-NOTES.md`: that version's part of the changelog;
 * - `SHA256SUMS`: of all of these.
 */
export async function assemble(root: string, out: string): Promise<void> {
  const version = await versionOf(root);
  await buildComponents(root, out, version);
  await packPackages(root, out);
  const notes = notesOf(await readText(join(root, 'CHANGELOG.md')), version);
  await writeBytes(join(out, 'RELEASE-NOTES.md'), `# Edge Manager ${version}\n\n${notes}\n`);
  await writeBill(root, out, version);
  await writeSums(out);
}

async function buildComponents(root: string, out: string, version: string): Promise<void> {
  const bundle = { name: BUNDLE_COMPONENT, folder: '.' };
  await makeFolder(join(out, 'sbom'));
  for (const { name, folder } of [...CODE_COMPONENTS, bundle])
    await buildProject(resolve(root, folder), {
      root,
      out: join(out, 'components', name),
      release: { version, billFolder: join(out, 'sbom') },
    });
}

async function packPackages(root: string, out: string): Promise<void> {
  const unpacked = join(out, 'unpacked');
  const packages = join(out, 'packages');
  await makeFolder(packages);
  await run(process.execPath, ['scripts/pack.mjs', '--out', unpacked], root);
  for (const name of (await namesIn(unpacked)).toSorted())
    await run(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', packages],
      join(unpacked, name),
    );
  await removeAll(unpacked);
}

/** The whole: every npm package that anybody installs with it, every native file, every file that is published. */
async function writeBill(root: string, out: string, version: string): Promise<void> {
  const shipped = [...new Set(CODE_COMPONENTS.flatMap((component) => component.native))];
  const native = PLATFORMS.flatMap((platform) =>
    nativeFiles(shipped, platform).map((file) => ({ ...file, platform })),
  );
  const files = [
    ...(await Promise.all(
      native.map(async ({ from, name, platform }) => ({
        name,
        sha256: await digestOf(from),
        platform,
      })),
    )),
    ...(await Promise.all(
      (await publishedFiles(out)).map(async (name) => ({
        name,
        sha256: await digestOf(join(out, name)),
      })),
    )),
  ];
  const bill = { name: 'edge-manager', version, packages: installedPackages(root), files };
  await writeBytes(join(out, 'sbom', 'edge-manager.cdx.json'), billOfMaterials(bill));
}

/** Of the lockfile, once each: what is not for development only. */
function installedPackages(root: string): {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly sha512: string;
}[] {
  const byReference = new Map<string, ReturnType<typeof installedPackages>[number]>();
  for (const [path, { version, license, integrity, dev }] of Object.entries(readLockfile(root).packages)) {
    if (path === '' || dev === true || version === undefined) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    byReference.set(`${name}@${version}`, {
      name,
      version,
      licence: license ?? '',
      sha512: sha512Of(integrity),
    });
  }
  return [...byReference.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

async function writeSums(out: string): Promise<void> {
  const lines: string[] = [];
  for (const name of await publishedFiles(out)) lines.push(`${await digestOf(join(out, name))}  ${name}\n`);
  await writeBytes(join(out, 'SHA256SUMS'), lines.join(''));
}

async function publishedFiles(out: string): Promise<string[]> {
  return (await filesBelow(out)).toSorted();
}
