import type { EngineSession } from '../../../engine/mod.js';
import type { Tensor } from '../../../contract/mod.js';
import { EdgeError, toEdgeError } from '../../../core/mod.js';
import {
  DISTRIBUTIONS_FILE,
  mismatchOf,
  outsideOf,
  parseDistributions,
  parseSamples,
  tallyRuns,
  type GoldenSample,
  type OpenedPackage,
} from '../../../model/mod.js';

/** What the manifest says of the samples, and the bytes of the package's files by name. */
interface SampleFiles extends Pick<OpenedPackage, 'files'> {
  readonly samples: OpenedPackage['manifest']['samples'];
}

/**
 * Runs the golden samples; where they need not be checked again, the first one still warms the session up. Those of a
 * model that draws random numbers are run many times and held to the bounds that the package states.
 * @returns how many were checked
 * @throws EdgeError FAILED_PRECONDITION (PACKAGE_REFUSED_SAMPLES) naming sample and output
 */
export async function runSamples(
  session: Pick<EngineSession, 'run'>,
  { samples, files }: SampleFiles,
  check: boolean,
): Promise<number> {
  const bytes = samples === undefined ? undefined : files.get(samples.file);
  if (samples === undefined || bytes === undefined) return 0;
  const cases = parseSamples(bytes);
  const [first] = cases;
  if (!check) {
    if (first !== undefined) await runSample(session, first, samples.file);
    return 0;
  }
  const stated = files.get(DISTRIBUTIONS_FILE);
  const distributions = stated === undefined ? undefined : parseDistributions(stated);
  for (const [index, sample] of cases.entries()) {
    const run = (): Promise<readonly Tensor[]> => runSample(session, sample, samples.file);
    const bounds = distributions?.cases[index]?.outputs;
    const mismatch =
      bounds === undefined
        ? mismatchOf(sample.outputs, await run(), samples.tolerance)
        : outsideOf(await tallyRuns(run), bounds);
    if (mismatch !== undefined) {
      throw refused(`golden sample '${sample.name}' differs: ${mismatch}`, samples.file);
    }
  }
  return cases.length;
}

async function runSample(
  session: Pick<EngineSession, 'run'>,
  { name, inputs }: GoldenSample,
  file: string,
): Promise<readonly Tensor[]> {
  try {
    return await session.run(inputs);
  } catch (error) {
    throw refused(`golden sample '${name}' can't be run: ${toEdgeError(error).message}`, file, error);
  }
}

function refused(sentence: string, field: string, cause?: unknown): EdgeError {
  return new EdgeError('PACKAGE_REFUSED_SAMPLES', `Cannot load the model as ${sentence}`, { field, cause });
}
