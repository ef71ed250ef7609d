import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Datatype, Tensor } from '../../../src/contract/mod.js';
import { decodeStrings, elementCount, encodeStrings } from '../../../src/tensor/mod.js';

/** One input as ONNX's own tools hold it: by the number of its element type, raw little-endian bytes or strings. */
export interface Feed {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
  readonly data?: string;
  readonly strings?: readonly string[];
}

/** A model with inputs for it; none where they can't be given as tensors. */
export interface SuiteCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Feed[] | null;
}

const DATATYPES: Readonly<Record<number, Datatype>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
};

/** A line of backend-cases.py, or of a file in its form. */
export function readCase(line: string): SuiteCase {
  const { name, model, inputs } = JSON.parse(line) as Omit<SuiteCase, 'model'> & { model: string };
  return { name, model: new Uint8Array(Buffer.from(model, 'base64')), inputs };
}

/**
 * Cases that a script of Python prints: it computes what each gives, which takes seven seconds, and so they are kept
 * beside what .ci/tools keeps, for this script and these packages.
 */
export async function casesOf(script: string, ...args: readonly string[]): Promise<SuiteCase[]> {
  const kept = await keptFile(script, args);
  if (!existsSync(kept)) {
    await mkdir(dirname(kept), { recursive: true });
    const draft = `${kept}.${process.pid}`;
    const child = spawn('python3', [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await pipeline(child.stdout, createWriteStream(draft));
    assert.deepEqual(await ended, [0, null], `${script} failed`);
    await rename(draft, kept);
  }
  return (await readFile(kept, 'utf8')).split('\n').filter(Boolean).map(readCase);
}

async function keptFile(script: string, args: readonly string[]): Promise<string> {
  const versions = 'import sys, onnx, numpy; print(sys.version, onnx.__version__, numpy.__version__)';
  const { stdout } = spawnSync('python3', ['-c', versions], { encoding: 'utf8' });
  const hash = createHash('sha256')
    .update(await readFile(script))
    .update(JSON.stringify([stdout, args]));
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'edge-manager-ci', `onnx-suite-${hash.digest('hex').slice(0, 12)}.jsonl`);
}

/** The inputs as ours; undefined where one has a type that the wire does not have. */
export function tensorsOf(inputs: readonly Feed[]): Tensor[] | undefined {
  const tensors = inputs.map(({ name, elementType, shape, data, strings = [] }) => {
    const datatype = DATATYPES[elementType];
    if (datatype === undefined) return undefined;
    const bytes =
      datatype === 'BYTES' ? encodeStrings(strings) : new Uint8Array(Buffer.from(data ?? '', 'base64'));
    return { name, datatype, shape: [...shape], data: bytes };
  });
  return tensors.every((tensor) => tensor !== undefined) ? tensors : undefined;
}

/** A tensor of ours as ONNX's tools hold it. */
export function feedOf({ name, datatype, shape, data }: Tensor): Feed {
  const elementType = Number(Object.entries(DATATYPES).find(([, one]) => one === datatype)?.[0] ?? 0);
  const given =
    datatype === 'BYTES'
      ? { strings: decodeStrings(data, elementCount(shape), name) }
      : { data: Buffer.from(data).toString('base64') };
  return { name, elementType, shape, ...given };
}
