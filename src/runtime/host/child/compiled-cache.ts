import { createHash, randomBytes } from 'node:crypto';
import { constants, closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Engine, EngineSession, SessionOptions } from '../../../engine/mod.js';
import { cpuKey } from './cpu.js';

/** ONNX Runtime's own format, which it chooses by the name: a quarter faster to load than protobuf. */
const FORMAT = '.ort';
const DRAFT = `.draft${FORMAT}`;
const CHUNK_BYTES = 1024 * 1024;

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
    const digest = syncedDigest(draft);
    if (digest !== undefined) renameSync(draft, file);
    return digest;
  } catch {
    rmSync(draft, { force: true });
    return undefined;
  }
}

/** SHA-256 of a file that is on disk when this returns; read in chunks, as the session holds the model already. */
function syncedDigest(path: string): string | undefined {
  return withRegular(path, (file, sizeBytes) => {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes));
    for (let at = 0; at < sizeBytes;) {
      const count = readSync(file, chunk, 0, Math.min(chunk.length, sizeBytes - at), at);
      if (count === 0) return undefined;
      hash.update(chunk.subarray(0, count));
      at += count;
    }
    fsyncSync(file);
    return hash.digest('hex');
  });
}

function readRegular(path: string): Uint8Array | undefined {
  return withRegular(path, (file, sizeBytes) => {
    const bytes = new Uint8Array(sizeBytes);
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, done);
      if (count === 0) return undefined;
      done += count;
    }
    return bytes;
  });
}

/** Undefined where there is no such file, it is no regular one, or it can't be read. */
function withRegular<T>(
  path: string,
  act: (file: number, sizeBytes: number) => T | undefined,
): T | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const info = fstatSync(file);
    return info.isFile() && info.nlink === 1 ? act(file, info.size) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
