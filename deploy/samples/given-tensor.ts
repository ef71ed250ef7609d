import { Type, type Static, type TSchema } from '@sinclair/typebox';
import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError, isJsonObject, messageOf, validate } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { readBytes } from '../files/mod.js';
import { StepsSchema } from '../preprocess/mod.js';
import { readCsv } from './csv.js';
import { readImage } from './image.js';
import { readJson } from './json.js';
import { listedValues, openShape, tensorOf } from './listed-values.js';
import { parseNpy } from './npy.js';
import { refused } from './refused.js';
import { readWav } from './wav.js';

const strict = { additionalProperties: false } as const;
const Path = Type.String({ minLength: 1 });
const Shape = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 64 });
const RowNumber = Type.Integer({ minimum: 1 });

/** Where a tensor's values come from, by the key that names it. */
const SOURCES = {
  data: Type.Object({ data: Type.Unknown(), shape: Type.Optional(Shape) }, strict),
  npy: Type.Object({ npy: Path }, strict),
  csv: Type.Object(
    {
      csv: Path,
      /** From 1, below the header. */
      rows: Type.Optional(Type.Union([RowNumber, Type.Array(RowNumber, { minItems: 1 })])),
      /** By their names in the header, or by number from 1 where there is none. */
      columns: Type.Optional(
        Type.Array(Type.Union([Type.String({ minLength: 1 }), RowNumber]), { minItems: 1 }),
      ),
      header: Type.Optional(Type.Boolean()),
      delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
      shape: Type.Optional(Shape),
    },
    strict,
  ),
  json: Type.Object(
    {
      json: Path,
      /** A JSON pointer into the file, such as `/inputs/0`. */
      at: Type.Optional(Type.String({ pattern: '^(/[^/]*)*$' })),
      shape: Type.Optional(Shape),
    },
    strict,
  ),
  image: Type.Object({ image: Path, ...StepsSchema.properties }, strict),
  wav: Type.Object(
    {
      wav: Path,
      /** The first sample to take, from 0; default 0. */
      from: Type.Optional(Type.Integer({ minimum: 0 })),
      /** How many; default: as many as the input's own shape takes, else all. */
      count: Type.Optional(Type.Integer({ minimum: 1 })),
      /** From 1, where there is more than one. */
      channel: Type.Optional(RowNumber),
      shape: Type.Optional(Shape),
    },
    strict,
  ),
} as const;
type Sources = typeof SOURCES;
type Source = keyof Sources;
export type Given<K extends Source> = Static<Sources[K]>;
const SOURCE_NAMES = Object.keys(SOURCES) as readonly Source[];

/** A source's schema, below the name of the field that it stands in: so errors name the whole path. */
const BY_FIELD = Object.fromEntries(
  SOURCE_NAMES.map((source) => [source, Type.Record(Type.String(), SOURCES[source])]),
) as unknown as Readonly<Record<Source, TSchema>>;

const EXAMPLE =
  'Write [[1, 2, 3]] (values), or { npy: x.npy }, { csv: rows.csv, rows: 1 }, { json: x.json }, { image: x.png } or { wav: x.wav }';

/** Reads a file that model.yaml names. */
type ReadFile = (path: string) => Promise<Uint8Array>;
type Readers = {
  readonly [K in Source]: (
    given: Given<K>,
    spec: TensorSpec,
    field: string,
    read: ReadFile,
  ) => Tensor | Promise<Tensor>;
};

const READERS: Readers = {
  data: ({ data, shape }, spec, field) => ofData(data, shape, spec, `${field}.data`),
  npy: async ({ npy }, spec, field, read) => parseNpy(spec, await read(npy), field),
  csv: async (given, spec, field, read) => {
    const { values, shape } = readCsv(await read(given.csv), given, spec, field);
    return tensorOf(spec, values, given.shape ?? shape, field);
  },
  json: async ({ json, at, shape }, spec, field, read) =>
    ofData(readJson(await read(json), at, field), shape, spec, field),
  image: async ({ image, ...steps }, spec, field, read) =>
    await readImage(spec, await read(image), steps, field),
  wav: async (given, spec, field, read) => {
    const values = readWav(await read(given.wav), given, spec, field);
    return tensorOf(spec, values, given.shape ?? openShape(spec, values.length), field);
  },
};

/**
 * A tensor as `samples.cases` of model.yaml gives it: values as they stand, or where they are to be read.
 * @param field its place in model.yaml, for errors
 * @param resolve the absolute path of a file that model.yaml names
 * @throws EdgeError INVALID_ARGUMENT naming the field, and the form that would be right
 */
export async function readGivenTensor(
  given: unknown,
  spec: TensorSpec,
  field: string,
  resolve: (path: string) => string,
): Promise<Tensor> {
  if (!isJsonObject(given)) return ofData(given, undefined, spec, field);
  const [source, ...more] = SOURCE_NAMES.filter((name) => name in given);
  if (source === undefined || more.length > 0) {
    throw refused(
      `'${field}' must be values, or an object with one of the keys ${SOURCE_NAMES.join(', ')}: current keys are ${Object.keys(given).join(', ') || 'none'}`,
      field,
      EXAMPLE,
    );
  }
  const read = (path: string): Promise<Uint8Array> => readGiven(resolve(path), `${field}.${source}`);
  return await readFrom(source, given, spec, field, read);
}

async function readFrom<K extends Source>(
  source: K,
  given: unknown,
  spec: TensorSpec,
  field: string,
  read: ReadFile,
): Promise<Tensor> {
  validate(BY_FIELD[source], { [field]: given }, 'Cannot read the samples');
  return await READERS[source](given as Given<K>, spec, field, read);
}

function ofData(
  data: unknown,
  shape: readonly number[] | undefined,
  spec: TensorSpec,
  field: string,
): Tensor {
  const listed = listedValues(data, field, EXAMPLE);
  // A flat list has the shape that the model's own leaves it; a nested one says its own.
  const isNested = listed.shape.length > 1;
  const own = isNested ? listed.shape : openShape(spec, listed.values.length);
  return tensorOf(spec, listed.values, shape ?? own, field);
}

async function readGiven(path: string, field: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readBytes(path));
  } catch (error) {
    throw new EdgeError('SAMPLES_INVALID', `Cannot read the samples as '${field}': ${messageOf(error)}`, {
      field,
      nextStep: 'Paths are relative to model.yaml',
      cause: error,
    });
  }
}
