import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import { writeFileDurably } from '../../src/disk/mod.js';
import type { Fleet } from './fleet.js';
import { parseFleets } from './parse.js';
import type { PolicyDocument } from './policies.js';

/** Reads and checks a fleets file, YAML or JSON. */
export async function readFleets(path: string): Promise<readonly Fleet[]> {
  return parseFleets(await readDocument(path, 'the fleets file'));
}

/** @param what for the error's sentence, such as "the fleets file" */
export async function readDocument(path: string, what: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw new EdgeError(
      'FILE_UNREADABLE',
      `Cannot read ${what} ${path}: ${messageOf(error).split('\n')[0] ?? ''}`,
      { cause: error, nextStep: 'Give the path of a YAML or JSON file' },
    );
  }
}

/** Writes a fleets file; one that is there stays, unless `force`. */
export async function writeFleets(path: string, text: string, force: boolean): Promise<void> {
  const bytes = Buffer.from(text);
  if (force) return writeFileDurably(path, bytes, 0o644);
  const whole = join(dirname(path), `.${basename(path)}.new`);
  await writeFileDurably(whole, bytes, 0o644);
  try {
    // A link never replaces what is there, whoever else writes meanwhile.
    await link(whole, path);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new EdgeError(
      isThere ? 'FILE_EXISTS' : 'DISK_FAILED',
      isThere ? `Cannot write ${path} as it exists already` : `Cannot write ${path}: ${messageOf(error)}`,
      { cause: error, nextStep: isThere ? 'Give another --out, or --force to replace it' : undefined },
    );
  } finally {
    await rm(whole, { force: true });
  }
}

/** Writes each document as a file below `folder/fleet`. @returns their paths */
export async function writePolicies(
  folder: string,
  fleet: string,
  policies: readonly PolicyDocument[],
): Promise<readonly string[]> {
  const target = join(folder, fleet);
  await mkdir(target, { recursive: true });
  const paths: string[] = [];
  for (const { name, document } of policies) {
    const path = join(target, `${name}.json`);
    await writeFileDurably(path, Buffer.from(`${JSON.stringify(document, null, 2)}\n`), 0o644);
    paths.push(path);
  }
  return paths;
}
