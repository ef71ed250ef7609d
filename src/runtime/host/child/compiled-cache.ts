import { createHash, randomBytes } from 'node:crypto';
import { constants, closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Engine, EngineSession, SessionOptions } from '../../../engine/mod.js';
import { cpuKey } from './cpu.js';

/** ONNX Runtime's own format, which it chooses by the name: a quarter faster to load than protobuf. */
const FORMAT = '.ort';
const DRAFT = `.draft${FORMAT}`;

export interface CompiledLoad {
  readonly session: EngineSession;
  readonly compiledDigest?: string;
  readonly cacheHit: boolean;
}

export interface CompiledCacheOptions {
  readonly folder: string;
  /** SHA-256 of the model's own bytes. */
  readonly modelDigest: string;
  /** What the registry holds of the compiled file; without it no file is believed. */
  readonly compiledDigest: string | undefined;
  readonly session: SessionOptions;
}

/**
 * Loads a model by way of a graph that was compiled for this CPU and this ONNX Runtime before.
 *
 * A compiled file is made from verified bytes only, and believed only where its SHA-256, taken of the very bytes
 * that are loaded, is the one that the registry holds. Everything else about it (missing, torn, of another
 * machine, refused by ONNX Runtime) means: compile again. A cache that can't be written costs time, nothing else.
 */
export async function loadCompiled(
  engine: Engine,
  model: Uint8Array,
  options: CompiledCacheOptions,
): Promise<CompiledLoad> {
  const file = join(options.folder, `${options.modelDigest}-${engine.version}-${cpuKey()}${FORMAT}`);
  const known = await loadKnown(engine, file, options);
  if (known !== undefined) return known;
  return await compile(engine, model, file, options);
}

async function loadKnown(
  engine: Engine,
  file: string,
  { compiledDigest, session }: CompiledCacheOptions,
): Promise<CompiledLoad | undefined> {
  const bytes = compiledDigest === undefined ? undefined : readRegular(file);
  if (bytes === undefined || compiledDigest === undefined || sha256(bytes) !== compiledDigest)
    return undefined;
  try {
    const loaded = await engine.load(bytes, { ...session, format: 'ORT', graphOptimization: 'disabled' });
    return { session: loaded, compiledDigest, cacheHit: true };
  } catch {
    return undefined;
  }
}

async function compile(
  engine: Engine,
  model: Uint8Array,
  file: string,
  { folder, session }: CompiledCacheOptions,
): Promise<CompiledLoad> {
  const draft = `${file}.${randomBytes(6).toString('hex')}${DRAFT}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const loaded = await engine.load(model, { ...session, optimizedModelFile: draft });
    const compiledDigest = keep(draft, file);
    // One that can't be removed costs room, nothing else.
    if (compiledDigest !== undefined) await removeFormer(file).catch(() => undefined);
    return {
      session: loaded,
      ...(compiledDigest === undefined ? {} : { compiledDigest }),
      cacheHit: false,
    };
  } catch {
    // ONNX Runtime can't save every graph that it can run; where the model itself is wrong, this says so.
    return { session: await engine.load(model, session), cacheHit: false };
  } finally {
    await rm(draft, { force: true });
  }
}

/** Graphs of the same model that another CPU or another ONNX Runtime had compiled: nothing loads them any more. */
async function removeFormer(file: string): Promise<void> {
  const [modelDigest = ''] = basename(file).split('-');
  for (const name of await readdir(dirname(file))) {
    const isFormer = name.startsWith(`${modelDigest}-`) && name !== basename(file) && !name.endsWith(DRAFT);
    if (isFormer) await rm(join(dirname(file), name), { force: true });
  }
}

/** Takes the digest of what lies on disk, makes it durable and gives it its name. */
function keep(draft: string, file: string): string | undefined {
  try {
    const bytes = readRegular(draft, true);
    if (bytes === undefined) return undefined;
    renameSync(draft, file);
    return sha256(bytes);
  } catch {
    rmSync(draft, { force: true });
    return undefined;
  }
}

function readRegular(path: string, sync = false): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const info = fstatSync(file);
    if (!info.isFile() || info.nlink !== 1) return undefined;
    const bytes = new Uint8Array(info.size);
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, done);
      if (count === 0) return undefined;
      done += count;
    }
    if (sync) fsyncSync(file);
    return bytes;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
