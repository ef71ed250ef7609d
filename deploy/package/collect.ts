import { EdgeError, messageOf, validate } from '../../src/core/mod.js';
import { basename } from '../../src/disk/mod.js';
import { isPackageFileName, type FileRole, type NewFile } from '../../src/model/mod.js';
import { CompileReportSchema, type CompileReport } from '../compile/mod.js';
import { isInside, readBytes, realPath } from '../files/mod.js';
import type { ModelDescription } from './model-yaml.js';

/** Whether a model.yaml may name files outside its folder that go into the package as they are. */
export interface Reach {
  readonly allowOutside: boolean;
}

/** The files beside model and samples that a model.yaml names, under their names in the package. */
export async function collectFiles(
  { yaml, resolve }: ModelDescription,
  { allowOutside }: Reach,
): Promise<NewFile[]> {
  const wanted: { path: string; role: FileRole; from: string | undefined }[] = [
    { path: 'compile-report.json', role: 'report', from: yaml.report },
    { path: 'statistics.json', role: 'baseline', from: yaml.baseline?.statistics },
    { path: 'constraints.json', role: 'baseline', from: yaml.baseline?.constraints },
    { path: 'LICENCE.txt', role: 'licence', from: yaml.licenceFile },
    ...(yaml.files ?? []).map((from) => ({ path: basename(from), role: 'other' as const, from })),
  ];
  const files: NewFile[] = [];
  for (const { path, role, from } of wanted) {
    if (from === undefined) continue;
    if (!isPackageFileName(path)) {
      fail(
        `the name ${JSON.stringify(path)} must hold letters, digits, dots, dashes and underscores only`,
        path,
      );
    }
    // A report is held against its schema: nothing else gets into a package by that name.
    if (!allowOutside && role !== 'report') await checkInside(from, resolve);
    files.push({ path, role, bytes: await read(resolve(from)) });
  }
  return files;
}

/** The compile report among them, which must be about this very model. */
export function reportOf(
  files: readonly NewFile[],
  model: { readonly sha256: string; readonly weights: readonly string[] },
): CompileReport | undefined {
  const report = files.find(({ role }) => role === 'report');
  if (report === undefined || !('bytes' in report)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(report.bytes).toString());
  } catch (error) {
    return fail(`the compile report is not JSON: ${messageOf(error)}`, 'report', error);
  }
  const read = validate(CompileReportSchema, parsed, 'Cannot read the compile report');
  const { compiled } = read;
  const { weights = [] } = compiled;
  if (compiled.sha256 !== model.sha256 || weights.join() !== model.weights.join()) {
    fail(
      `the compile report is about another model: ${compiled.sha256}, this one is ${model.sha256}`,
      'report',
    );
  }
  return read;
}

/** Class names from the yaml or from a text file with one a line. */
export async function readLabels(
  { yaml, resolve }: ModelDescription,
  { allowOutside }: Reach,
): Promise<string[] | undefined> {
  if (yaml.labels === undefined || Array.isArray(yaml.labels)) return yaml.labels;
  if (!allowOutside) await checkInside(yaml.labels.file, resolve);
  const text = Buffer.from(await read(resolve(yaml.labels.file))).toString();
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** A model.yaml may come from a stranger: it must not pack what lies elsewhere on this machine, by a link either. */
async function checkInside(path: string, resolvePath: ModelDescription['resolve']): Promise<void> {
  const folder = await realPath(resolvePath('.'));
  const file = await realPath(resolvePath(path)).catch((error: unknown) =>
    fail(messageOf(error), path, error),
  );
  if (isInside(folder, file)) return;
  throw new EdgeError(
    'FILE_UNREADABLE',
    `Cannot package the model as ${JSON.stringify(path)} must lie in the folder of its model.yaml`,
    { field: path, nextStep: 'Move it there, or give --allow-outside where you trust the model.yaml' },
  );
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readBytes(path));
  } catch (error) {
    return fail(messageOf(error), path, error);
  }
}

function fail(reason: string, field: string, cause?: unknown): never {
  throw new EdgeError('FILE_UNREADABLE', `Cannot package the model as ${reason}`, {
    field,
    nextStep: 'Paths are relative to model.yaml',
    cause,
  });
}
