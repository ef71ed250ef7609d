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
/** In which order the colours stand; a fourth channel stays the last one. */
const ORDERS = ['RGB', 'BGR'] as const;
type Order = (typeof ORDERS)[number];
const RESIZES = ['linear', 'cubic', 'nearest'] as const;
const SENT_DATATYPES = ['UINT8', 'INT8', 'UINT16', 'INT16', 'INT32', 'FP32'] as const;
export type SentDatatype = (typeof SENT_DATATYPES)[number];

const Size = Type.Integer({ minimum: 1, maximum: 65_536 });
const steps = {
  /** How the pictures are laid out. */
  layout: Type.Optional(Type.Unsafe<Layout>(Type.String({ enum: [...LAYOUTS] }))),
  /** How the model wants them; told from its shape where that leaves no doubt. */
  modelLayout: Type.Optional(Type.Unsafe<Layout>(Type.String({ enum: [...LAYOUTS] }))),
  /** The order of the colours in the pictures; RGB where nothing is said. */
  order: Type.Optional(Type.Unsafe<Order>(Type.String({ enum: [...ORDERS] }))),
  /** The order that the model wants; RGB where nothing is said. */
  modelOrder: Type.Optional(Type.Unsafe<Order>(Type.String({ enum: [...ORDERS] }))),
  /** To the model's own height and width: sampled at pixel centres, without antialiasing. */
  resize: Type.Optional(Type.Unsafe<(typeof RESIZES)[number]>(Type.String({ enum: [...RESIZES] }))),
  /** y = (x × scale − mean) ÷ std */
  scale: Type.Optional(PerChannel),
  mean: Type.Optional(PerChannel),
  std: Type.Optional(Divisor),
};

/** What is done to pixels or samples before a model sees them, in this order: resize, scale, mean, std, order, layout. */
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

/** Where each channel of the model comes from among those that are sent; undefined: they stand as they are. */
export function channelsOf(
  { order = 'RGB', modelOrder = 'RGB' }: Steps,
  count: number,
): number[] | undefined {
  if (order === modelOrder) return undefined;
  return Array.from({ length: count }, (_, channel) => (channel < 3 ? 2 - channel : channel));
}
