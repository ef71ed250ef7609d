import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false } as const;
/** One number for all, or one a channel. */
const PerChannel = Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 1, maxItems: 64 })]);
const Divisor = Type.Union([
  Type.Number({ exclusiveMinimum: 0 }),
  Type.Array(Type.Number({ exclusiveMinimum: 0 }), { minItems: 1, maxItems: 64 }),
]);

/** Where batch, height, width and channels stand. */
const LAYOUTS = ['NCHW', 'NHWC', 'CHW', 'HWC'] as const;
export type Layout = (typeof LAYOUTS)[number];
const SENT_DATATYPES = ['UINT8', 'INT8', 'UINT16', 'INT16', 'INT32', 'FP32'] as const;
export type SentDatatype = (typeof SENT_DATATYPES)[number];

const Size = Type.Integer({ minimum: 1, maximum: 65_536 });
const steps = {
  /** How the pictures are laid out. */
  layout: Type.Optional(Type.Unsafe<Layout>(Type.String({ enum: [...LAYOUTS] }))),
  /** How the model wants them; told from its shape where that leaves no doubt. */
  modelLayout: Type.Optional(Type.Unsafe<Layout>(Type.String({ enum: [...LAYOUTS] }))),
  /** To the model's own height and width: sampled at pixel centres, without antialiasing. */
  resize: Type.Optional(Type.Unsafe<'linear' | 'nearest'>(Type.String({ enum: ['linear', 'nearest'] }))),
  /** y = (x × scale − mean) ÷ std */
  scale: Type.Optional(PerChannel),
  mean: Type.Optional(PerChannel),
  std: Type.Optional(Divisor),
};

/** What is done to pixels or samples before a model sees them, in this order: resize, scale, mean, std, layout. */
export const StepsSchema = Type.Object(steps, strict);
export type Steps = Static<typeof StepsSchema>;

/** The same as part of the graph: what an app sends, and the steps from there. */
export const PreprocessSchema = Type.Object(
  {
    /** What an app sends; UINT8 where nothing is said. */
    datatype: Type.Optional(Type.Unsafe<SentDatatype>(Type.String({ enum: [...SENT_DATATYPES] }))),
    /** Height and width that an app sends; any where nothing is said and `resize` is. */
    size: Type.Optional(Type.Tuple([Size, Size])),
    ...steps,
  },
  strict,
);
export type Preprocess = Static<typeof PreprocessSchema>;
