import { Type, type Static } from '@sinclair/typebox';
import semver from 'semver';
import { EdgeError, messageOf, validate } from '../../src/core/mod.js';
import { basename, dirname, resolve } from '../../src/disk/mod.js';
import {
  CaptureDefaultsSchema,
  MODEL_NAME,
  ProvenanceSchema,
  ResourceEstimateSchema,
  SemanticsSchema,
  TARGETS,
  ToleranceSchema,
  VersionLabelsSchema,
  type Target,
} from '../../src/model/mod.js';
import { readYaml } from '../../src/recipe/mod.js';
import { PreprocessSchema, type Preprocess } from '../preprocess/mod.js';
import { readText as textOf } from '../files/mod.js';

const strict = { additionalProperties: false } as const;
const Path = Type.String({ minLength: 1 });
const Shape = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 8 });

const SamplesSchema = Type.Object(
  {
    tolerance: Type.Optional(ToleranceSchema),
    /** A file in the format of the package's own samples.json. */
    file: Type.Optional(Path),
    cases: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.Optional(Type.String({ minLength: 1 })),
            /** By input: values, or where they are to be read. Held to its form when it is read. */
            inputs: Type.Record(Type.String(), Type.Unknown()),
            /** Left out: what the model gives when it is packaged. */
            outputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          },
          strict,
        ),
        { minItems: 1 },
      ),
    ),
    make: Type.Optional(
      Type.Object(
        {
          count: Type.Integer({ minimum: 1, maximum: 100 }),
          seed: Type.Optional(Type.Integer()),
          shapes: Type.Optional(Type.Record(Type.String(), Shape)),
          values: Type.Optional(
            Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Boolean()])),
          ),
          ranges: Type.Optional(Type.Record(Type.String(), Type.Tuple([Type.Number(), Type.Number()]))),
        },
        strict,
      ),
    ),
  },
  strict,
);

export const ModelYamlSchema = Type.Object(
  {
    name: MODEL_NAME,
    version: Type.String(),
    componentName: Type.Optional(Type.String()),
    componentVersion: Type.Optional(Type.String()),
    publisher: Type.Optional(Type.String({ minLength: 1 })),
    description: Type.Optional(Type.String({ minLength: 1 })),
    /** All paths are relative to model.yaml. */
    model: Path,
    report: Type.Optional(Path),
    target: Type.Optional(Type.Unsafe<Target>(Type.String({ enum: [...TARGETS] }))),
    minimumRuntimeVersion: Type.Optional(Type.String()),
    inputs: Type.Optional(Type.Record(Type.String(), SemanticsSchema)),
    outputs: Type.Optional(Type.Record(Type.String(), SemanticsSchema)),
    /** Labels under which apps may address this version, beside `stable` and `previous`. */
    versionLabels: Type.Optional(VersionLabelsSchema),
    /** Class names, or a text file with one a line. */
    labels: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Object({ file: Path }, strict)])),
    licence: Type.Optional(Type.String({ minLength: 1 })),
    licenceFile: Type.Optional(Path),
    provenance: Type.Optional(ProvenanceSchema),
    /** By input: what compile --preprocess puts into the graph. */
    preprocess: Type.Optional(Type.Record(Type.String(), PreprocessSchema)),
    /** False: the model draws random numbers, and its samples hold mean and spread over many runs. */
    deterministic: Type.Optional(Type.Boolean()),
    samples: Type.Optional(SamplesSchema),
    baseline: Type.Optional(
      Type.Object({ statistics: Type.Optional(Path), constraints: Type.Optional(Path) }, strict),
    ),
    capture: Type.Optional(CaptureDefaultsSchema),
    resources: Type.Optional(ResourceEstimateSchema),
    allowDowngrade: Type.Optional(Type.Boolean()),
    expires: Type.Optional(Type.String()),
    /** Further files to carry along. */
    files: Type.Optional(Type.Array(Path)),
  },
  strict,
);
export type ModelYaml = Static<typeof ModelYamlSchema>;
export type SamplesYaml = Static<typeof SamplesSchema>;

/** A model.yaml with what it leaves out filled in, and a way to reach the files that it names. */
export interface ModelDescription {
  readonly yaml: ModelYaml;
  readonly componentName: string;
  readonly componentVersion: string;
  /** The absolute path of a file that the yaml names. */
  readonly resolve: (path: string) => string;
}

/**
 * @throws EdgeError INVALID_ARGUMENT naming the field, NOT_FOUND where there is no such file
 */
export async function readModelYaml(file: string): Promise<ModelDescription> {
  const action = `Cannot read ${basename(file)}`;
  const yaml = validate(ModelYamlSchema, readYaml(await readText(file, action), basename(file)), action);
  for (const field of ['version', 'componentVersion'] as const) {
    const value = yaml[field];
    if (value !== undefined && semver.valid(value) !== value) {
      throw new EdgeError(
        'VERSION_INVALID',
        `${action} as '${field}' must be a semantic version such as 1.2.3: current value is ${value}`,
        { field, nextStep: 'Write major, minor and patch' },
      );
    }
  }
  return {
    yaml,
    componentName: yaml.componentName ?? `org.edgemanager.model.${yaml.name}`,
    componentVersion: yaml.componentVersion ?? yaml.version,
    resolve: (path) => resolve(dirname(file), path),
  };
}

/** What a model.yaml says under `preprocess`. @throws EdgeError FIELD_MISSING where it says nothing */
export async function readPreprocess(file: string): Promise<Readonly<Record<string, Preprocess>>> {
  const { preprocess } = (await readModelYaml(file)).yaml;
  if (preprocess !== undefined) return preprocess;
  throw new EdgeError('FIELD_MISSING', `Cannot read ${basename(file)} as 'preprocess' is missing`, {
    field: 'preprocess',
    nextStep: 'Name the steps of each input there: docs/models.md',
  });
}

async function readText(file: string, action: string): Promise<string> {
  try {
    return await textOf(file);
  } catch (error) {
    throw new EdgeError('FILE_NOT_FOUND', `${action}: ${messageOf(error)}`, {
      field: file,
      nextStep: 'Give the path of a model.yaml: docs/packages.md',
      cause: error,
    });
  }
}
