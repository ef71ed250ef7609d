import { Type } from '@sinclair/typebox';
import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError, validate } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { hasWeightsOutside } from '../../src/onnx/mod.js';
import type { Pass, PassContext } from '../compile/mod.js';
import { readBytes, writeBytes } from '../files/mod.js';
import { NUMPY_TYPES } from '../samples/mod.js';
import { runPython } from './python.js';
import { SCRIPT } from './script.js';

export type Quantisation = 'dynamic-int8' | 'static-int8';

/** The tool as it was tried, of the same version as the runtime that serves what it makes. */
const INSTALL = 'python3 -m pip install onnxruntime==1.30.0 onnx==1.23.2';

const Answer = Type.Union([
  Type.Object({ version: Type.String() }),
  Type.Object({ missing: Type.String() }),
  Type.Object({ failed: Type.String() }),
]);

/**
 * Weights, and with `static-int8` activations too, as 8-bit integers. The last pass: the quantiser wants weights
 * where optimisation puts them.
 * @param isCalibrated whether there are real inputs, by which static quantisation finds the ranges of activations
 * @throws EdgeError QUANTISER_MISSING naming what to install; MODEL_REFUSED with the tool's reason
 */
export function quantisePass(mode: Quantisation, isCalibrated: boolean, python: string): Pass {
  if (mode === 'static-int8' && !isCalibrated) throw uncalibrated();
  let tool = 'onnxruntime';
  return {
    lossy: true,
    get name() {
      return `quantise ${mode} (${tool})`;
    },
    run: async (modelFile, context) => {
      if (mode === 'static-int8' && context.cases.length === 0) throw uncalibrated();
      const out = join(context.scratch, 'quantised.onnx');
      const task = {
        mode,
        model: modelFile,
        out,
        large: hasWeightsOutside(new Uint8Array(await readBytes(modelFile))),
        cases: mode === 'static-int8' ? await writeCases(context.cases, context.scratch) : [],
      };
      tool = `onnxruntime ${await quantise(python, task, context)}`;
      return out;
    },
  };
}

/** @returns the version of the tool */
async function quantise(python: string, task: object, { scratch, timeoutMs }: PassContext): Promise<string> {
  const outcome = await runPython(python, SCRIPT, JSON.stringify(task), { folder: scratch, timeoutMs });
  if (outcome.kind === 'absent') throw missing(python, `it cannot be started (${outcome.reason})`);
  if (outcome.isLate) throw failed(`it took more than ${timeoutMs / 1000} s`, 'Raise --timeout');
  if (outcome.output === '') throw failed(`the quantiser ended: ${lastLine(outcome.error)}`);
  const answer = validate(Answer, JSON.parse(outcome.output), 'Cannot read the answer of the quantiser');
  if ('missing' in answer) throw missing(python, answer.missing);
  if ('failed' in answer) throw failed(answer.failed);
  return answer.version;
}

async function writeCases(cases: readonly (readonly Tensor[])[], scratch: string): Promise<object[][]> {
  const written: object[][] = [];
  for (const [index, inputs] of cases.entries()) {
    const tensors: object[] = [];
    for (const [at, { name, datatype, shape, data }] of inputs.entries()) {
      if (datatype === 'BYTES') throw failed(`samples of ${datatype} calibrate nothing`);
      const file = join(scratch, `case-${index}-${at}.bin`);
      await writeBytes(file, data);
      tensors.push({ name, file, type: NUMPY_TYPES[datatype], shape });
    }
    written.push(tensors);
  }
  return written;
}

function uncalibrated(): EdgeError {
  return new EdgeError(
    'SAMPLES_INVALID',
    'Cannot quantise the model as static-int8 is calibrated by samples',
    {
      field: 'samples',
      nextStep: 'Give real inputs with --samples, or take --quantise dynamic-int8, which needs none',
    },
  );
}

function missing(python: string, reason: string): EdgeError {
  return new EdgeError(
    'QUANTISER_MISSING',
    `Cannot quantise the model as ${python} has no quantiser: ${reason}`,
    {
      nextStep: `Install it: ${INSTALL}; or name another Python with --python`,
    },
  );
}

function failed(
  reason: string,
  nextStep = 'Compile it without --quantise, or with the other mode',
): EdgeError {
  return new EdgeError('MODEL_REFUSED', `Cannot quantise the model: ${reason}`, { nextStep });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
