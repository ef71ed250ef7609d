import { EdgeError, messageOf } from '../../src/core/mod.js';
import { dirname, join, resolve, writeFileDurably } from '../../src/disk/mod.js';
import { readYaml } from '../../src/recipe/mod.js';
import { makeFolder, readText, writeNew } from '../files/mod.js';
import { readPublicPem } from '../sign/mod.js';
import type { Fleet } from './fleet.js';
import { parseFleets, trusting } from './parse.js';
import type { PolicyDocument } from './policies.js';

/** Reads and checks a fleets file, YAML or JSON, with the keys that it names as files. */
export async function readFleets(path: string): Promise<readonly Fleet[]> {
  const fleets = parseFleets(await readDocument(path, 'the fleets file'));
  return Promise.all(fleets.map((fleet) => withTrust(fleet, dirname(path))));
}

async function withTrust(fleet: Fleet, folder: string): Promise<Fleet> {
  if (fleet.trust.length === 0) return fleet;
  const keys = await Promise.all(fleet.trust.map((file) => readPublicPem(resolve(folder, file))));
  return trusting(fleet, keys);
}

/** @param what for the error's sentence, such as "the fleets file" */
export async function readDocument(path: string, what: string): Promise<unknown> {
  return readYaml(await textOf(path, what), `${what} ${path}`);
}

async function textOf(path: string, what: string): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    throw new EdgeError('FILE_UNREADABLE', `Cannot read ${what} ${path}: ${messageOf(cause)}`, {
      cause,
      nextStep: 'Give the path of a YAML or JSON file',
    });
  }
}

/** Writes a fleets file; one that is there stays, unless `force`. */
export async function writeFleets(path: string, text: string, force: boolean): Promise<void> {
  const bytes = Buffer.from(text);
  if (force) return writeFileDurably(path, bytes, 0o644);
  if (await written(path, bytes)) return;
  throw new EdgeError('FILE_EXISTS', `Cannot write ${path} as it exists already`, {
    nextStep: 'Give another --out, or --force to replace it',
  });
}

async function written(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return await writeNew(path, bytes, 0o644);
  } catch (cause) {
    throw new EdgeError('DISK_FAILED', `Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Writes each document as a file below `folder/fleet`. @returns their paths */
export async function writePolicies(
  folder: string,
  fleet: string,
  policies: readonly PolicyDocument[],
): Promise<readonly string[]> {
  const target = join(folder, fleet);
  await makeFolder(target);
  const paths: string[] = [];
  for (const { name, document } of policies) {
    const path = join(target, `${name}.json`);
    await writeFileDurably(path, Buffer.from(`${JSON.stringify(document, null, 2)}\n`), 0o644);
    paths.push(path);
  }
  return paths;
}
