import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CODE_COMPONENTS, PLATFORMS, buildProject } from '../../deploy/build/mod.js';
import { compileModel, DEFAULT_TOLERANCE, readModelYaml, type CompileReport } from '../../deploy/mod.js';
import { atMost, type Figure } from './judge/mod.js';
import type { BenchRow } from './row.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const MODELS = ['silero-vad-5', 'silero-vad-6', 'paddle-ocr-det', 'paddle-ocr-rec', 'paddle-ocr-cls'];
const CASES = 5;
const ROUNDS = 3;

async function withFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-manager-bench-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The least of the rounds: what else the machine does only adds to a time. */
function figureOf(name: string, reports: readonly CompileReport[]): Figure {
  const least = (of: (report: CompileReport) => number): number => Math.min(...reports.map(of));
  const differences = reports.flatMap(({ proof }) => proof.outputs.map((output) => output.largestDifference));
  return atMost(DEFAULT_TOLERANCE.absolute * 1e6, {
    figure: `${name}, difference`,
    value: Math.max(...differences) * 1e6,
    unit: '× 1e-6',
    detail: {
      'MB before': least(({ source }) => source.sizeBytes) / 1e6,
      'MB after': least(({ compiled }) => compiled.sizeBytes) / 1e6,
      'load ms before': least(({ source }) => source.loadMs),
      'load ms after': least(({ compiled }) => compiled.loadMs),
      'p50 ms before': least(({ source }) => source.latencyP50Ms),
      'p50 ms after': least(({ compiled }) => compiled.latencyP50Ms),
    },
  });
}

async function compileOnce(name: string, folder: string): Promise<CompileReport> {
  const { yaml, resolve } = await readModelYaml(join(root, 'examples/models', name, 'model.yaml'));
  const { seed = 1, shapes = {}, values = {}, ranges = {} } = yaml.samples?.make ?? {};
  return await compileModel({
    modelFile: resolve(yaml.model),
    outFile: join(folder, `${name}.onnx`),
    reportFile: join(folder, `${name}.json`),
    target: 'any',
    dimensions: {},
    tolerance: DEFAULT_TOLERANCE,
    inputs: { seed, shapes, values, ranges },
    randomCases: CASES,
    timeoutMs: 60_000,
  });
}

/** The five real models before and after compilation. */
export const models: BenchRow = {
  name: 'models',
  slow: true,
  about: 'the five real models compiled, beside the plain ones: outputs, size, load time, latency',
  run: () =>
    withFolder(async (folder) => {
      const reports = new Map<string, CompileReport[]>(MODELS.map((name) => [name, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, rounds] of reports) rounds.push(await compileOnce(name, folder));
      }
      return [...reports].map(([name, rounds]) => figureOf(name, rounds));
    }),
};

/** The device artifacts of both platforms. */
export const zips: BenchRow = {
  name: 'zips',
  slow: true,
  about: 'size of the device artifacts',
  run: () =>
    withFolder(async (out) => {
      const figures: Figure[] = [];
      for (const { name, folder, artifact, goalZipMb } of CODE_COMPONENTS) {
        await buildProject(join(root, folder), { root: root.replace(/\/$/, ''), out });
        for (const platform of PLATFORMS) {
          const file = `${artifact}-${platform.name}.zip`;
          const { size } = await stat(join(out, 'greengrass-build/artifacts', name, 'NEXT_PATCH', file));
          const goal = goalZipMb[platform.name] ?? 0;
          figures.push(atMost(goal, { figure: file, value: size / 1e6, unit: 'MB', detail: {} }));
        }
      }
      return figures;
    }),
};
