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
